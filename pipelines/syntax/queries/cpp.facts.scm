; What C++ adds to c.facts.scm.
(using_declaration) @import
(using_declaration (qualified_identifier name: (_) @binds))
(namespace_alias_definition name: (_) @binds) @import
[(function_definition) (namespace_definition)] @import.scope

[(identifier) (type_identifier) (namespace_identifier)] @use
(qualified_identifier scope: (_) name: [(identifier) (type_identifier)] @member)

(function_definition (attribute_declaration) @decorator)
(declaration (attribute_declaration) @decorator)
(field_declaration (attribute_declaration) @decorator)
(class_specifier (attribute_declaration) @decorator)
(struct_specifier (attribute_declaration) @decorator)

(call_expression function: [
  (template_function name: (identifier) @call)
  (field_expression field: (template_method name: (_) @call))
  (qualified_identifier name: [
    (identifier) @call
    (template_function name: (identifier) @call)
    (qualified_identifier name: [
      (identifier) @call
      (template_function name: (identifier) @call)
      (qualified_identifier name: [(identifier) @call (template_function name: (identifier) @call)])
    ])
  ])
])
(new_expression type: [
  (type_identifier) @call
  (template_type name: (type_identifier) @call)
  (qualified_identifier name: [(type_identifier) @call (template_type name: (type_identifier) @call)])
])

(for_range_loop "for" @decision)
(catch_clause "catch" @decision)
(binary_expression operator: ["and" "or"] @decision)
