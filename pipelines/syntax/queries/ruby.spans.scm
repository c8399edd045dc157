(body_statement) @span
(body_statement (_) @span)
(block_body (_) @span)
(then (_) @span)
(program (_) @span)
(block) @span
(do_block) @span
(argument_list) @span
(assignment right: (_) @span)
(return (_) @span)
