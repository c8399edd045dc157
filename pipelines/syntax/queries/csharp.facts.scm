; A `using` of a namespace binds names that only a compiler knows.
(using_directive) @import
(using_directive name: (identifier) @binds)

(identifier) @use
(member_access_expression name: (identifier) @member)

(class_declaration (attribute_list) @decorator)
(interface_declaration (attribute_list) @decorator)
(struct_declaration (attribute_list) @decorator)
(record_declaration (attribute_list) @decorator)
(enum_declaration (attribute_list) @decorator)
(method_declaration (attribute_list) @decorator)
(constructor_declaration (attribute_list) @decorator)
(destructor_declaration (attribute_list) @decorator)
(operator_declaration (attribute_list) @decorator)
(conversion_operator_declaration (attribute_list) @decorator)
(local_function_statement (attribute_list) @decorator)
(property_declaration (attribute_list) @decorator)
(indexer_declaration (attribute_list) @decorator)
(event_declaration (attribute_list) @decorator)

(invocation_expression function: [
  (identifier) @call
  (generic_name (identifier) @call)
  (member_access_expression name: [(identifier) @call (generic_name (identifier) @call)])
  (conditional_access_expression
    (member_binding_expression name: [(identifier) @call (generic_name (identifier) @call)]))
])
(object_creation_expression type: [
  (identifier) @call
  (generic_name (identifier) @call)
  (qualified_name name: [(identifier) @call (generic_name (identifier) @call)])
])

; Of a switch expression, which covers everything, all arms but one are decisions.
(if_statement "if" @decision)
(for_statement "for" @decision)
(foreach_statement "foreach" @decision)
(while_statement "while" @decision)
(do_statement "while" @decision)
(switch_section "case" @decision)
(switch_expression_arm "=>" @decision)
(switch_expression "switch" @default)
(catch_clause "catch" @decision)
(conditional_expression "?" @decision)
(binary_expression operator: ["&&" "||" "??"] @decision)

(comment) @comment
