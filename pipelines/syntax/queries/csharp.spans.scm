(block) @span
(block (_) @span)
(accessor_list) @span
(declaration_list (_) @span)
(argument_list) @span
(variable_declarator name: (_) (_) @span)
(assignment_expression right: (_) @span)
(return_statement (_) @span)
(arrow_expression_clause (_) @span)
(lambda_expression body: (_) @span)
