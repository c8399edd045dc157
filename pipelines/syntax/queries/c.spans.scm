(compound_statement) @span
(compound_statement (_) @span)
(translation_unit (_) @span)
(field_declaration_list (_) @span)
(argument_list) @span
(init_declarator value: (_) @span)
(assignment_expression right: (_) @span)
(return_statement (_) @span)
