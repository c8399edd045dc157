(block) @span
(constructor_body) @span
(block (_) @span)
(constructor_body (_) @span)
(class_body (_) @span)
(argument_list) @span
(variable_declarator value: (_) @span)
(assignment_expression right: (_) @span)
(return_statement (_) @span)
(class_body) @span
(switch_block) @span
