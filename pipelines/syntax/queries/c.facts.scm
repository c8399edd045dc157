; What C and C++ share. An `#include` binds no name that the syntax shows.
(preproc_include) @import

(call_expression function: [(identifier) @call (field_expression field: (field_identifier) @call)])

(if_statement "if" @decision)
(for_statement "for" @decision)
(while_statement "while" @decision)
(do_statement "while" @decision)
(case_statement "case" @decision)
(conditional_expression "?" @decision)
(binary_expression operator: ["&&" "||"] @decision)

(comment) @comment
