(import_declaration "import" @import.keyword)
(import_spec) @import
(import_spec name: (package_identifier) @binds)
(import_spec !name path: (_ [(interpreted_string_literal_content) (raw_string_literal_content)] @binds.path))

[(identifier) (package_identifier)] @use
(keyed_element key: (literal_element (identifier) @member))

(call_expression function: [
  (identifier) @call
  (selector_expression field: (field_identifier) @call)
  (index_expression operand: [(identifier) @call (selector_expression field: (field_identifier) @call)])
])

(if_statement "if" @decision)
(for_statement "for" @decision)
(expression_case "case" @decision)
(type_case "case" @decision)
(communication_case "case" @decision)
(binary_expression operator: ["&&" "||"] @decision)

(comment) @comment
