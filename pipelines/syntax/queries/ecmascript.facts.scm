; What JavaScript and TypeScript share.
(import_statement) @import
(import_clause (identifier) @binds)
(namespace_import (identifier) @binds)
(import_specifier !alias name: (identifier) @binds)
(import_specifier alias: (identifier) @binds)
((lexical_declaration (variable_declarator
  name: [
    (identifier) @binds
    (object_pattern (shorthand_property_identifier_pattern) @binds)
    (object_pattern (pair_pattern value: (identifier) @binds))
  ]
  value: [
    (call_expression function: (identifier) @require)
    (member_expression object: (call_expression function: (identifier) @require))
  ])) @import (#eq? @require "require"))
((variable_declaration (variable_declarator
  name: [
    (identifier) @binds
    (object_pattern (shorthand_property_identifier_pattern) @binds)
    (object_pattern (pair_pattern value: (identifier) @binds))
  ]
  value: [
    (call_expression function: (identifier) @require)
    (member_expression object: (call_expression function: (identifier) @require))
  ])) @import (#eq? @require "require"))
[
  (function_declaration)
  (generator_function_declaration)
  (function_expression)
  (generator_function)
  (arrow_function)
  (method_definition)
] @import.scope

[(identifier) (shorthand_property_identifier)] @use

(class_declaration (decorator) @decorator)
(export_statement (decorator) @decorator)

(call_expression function: [
  (identifier) @call
  (member_expression property: (_) @call)
])
(new_expression constructor: [
  (identifier) @call
  (member_expression property: (_) @call)
])

(if_statement "if" @decision)
(for_statement "for" @decision)
(for_in_statement "for" @decision)
(while_statement "while" @decision)
(do_statement "while" @decision)
(switch_case "case" @decision)
(catch_clause "catch" @decision)
(ternary_expression "?" @decision)
(binary_expression operator: ["&&" "||" "??"] @decision)

(comment) @comment
