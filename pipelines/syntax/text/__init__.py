"""Text that no parser reads, such as YAML, SQL or shell: it is cut into passages and searched; nothing is learned."""
