(import_require_clause (identifier) @binds)
(type_identifier) @use
(class_body (decorator) @decorator)
(abstract_class_declaration (decorator) @decorator)
(public_field_definition (decorator) @decorator)
(call_expression function: (non_null_expression [
  (identifier) @call
  (member_expression property: (_) @call)
]))
