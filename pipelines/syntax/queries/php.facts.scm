(namespace_use_declaration) @import
(namespace_use_clause !alias [(name) @binds (qualified_name (name) @binds)])
(namespace_use_clause alias: (name) @binds)
[
  (require_expression)
  (require_once_expression)
  (include_expression)
  (include_once_expression)
] @import

(name) @use
(variable_name (name) @member)
(member_access_expression name: (name) @member)
(member_call_expression name: (name) @member)
(scoped_call_expression name: (name) @member)
(qualified_name prefix: (_) (name) @member)

(class_declaration attributes: (attribute_list) @decorator)
(interface_declaration attributes: (attribute_list) @decorator)
(trait_declaration attributes: (attribute_list) @decorator)
(enum_declaration attributes: (attribute_list) @decorator)
(function_definition attributes: (attribute_list) @decorator)
(method_declaration attributes: (attribute_list) @decorator)

(function_call_expression function: [(name) @call (qualified_name (name) @call)])
(member_call_expression name: (name) @call)
(nullsafe_member_call_expression name: (name) @call)
(scoped_call_expression name: (name) @call)
(object_creation_expression [(name) @call (qualified_name (name) @call)])

(if_statement "if" @decision)
(else_if_clause "elseif" @decision)
(for_statement "for" @decision)
(foreach_statement "foreach" @decision)
(while_statement "while" @decision)
(do_statement "while" @decision)
(case_statement "case" @decision)
(match_conditional_expression "=>" @decision)
(catch_clause "catch" @decision)
(conditional_expression "?" @decision)
(binary_expression operator: ["&&" "||" "and" "or" "??"] @decision)

(comment) @comment
