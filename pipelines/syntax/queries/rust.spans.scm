(block) @span
(block (_) @span)
(source_file (_) @span)
(declaration_list (_) @span)
(arguments) @span
(let_declaration value: (_) @span)
(assignment_expression right: (_) @span)
(return_expression (_) @span)
(for_expression) @span
(while_expression) @span
(loop_expression) @span
(match_block) @span
