(import_statement) @import
(import_from_statement) @import
(import_statement name: (dotted_name . (identifier) @binds))
(import_from_statement name: (dotted_name (identifier) @binds))
(aliased_import alias: (identifier) @binds)
[(function_definition) (class_definition)] @import.scope

(identifier) @use
(attribute attribute: (identifier) @member)
(keyword_argument name: (identifier) @member)

(decorator) @decorator

(call function: [(identifier) @call (attribute attribute: (identifier) @call)])

; What radon counts: an `else` of a loop or a `try` is one more way through, and so is an assertion that fails.
(if_statement "if" @decision)
(elif_clause "elif" @decision)
(conditional_expression "if" @decision)
(boolean_operator operator: _ @decision)
(for_statement "for" @decision alternative: (else_clause "else" @decision)?)
(while_statement "while" @decision alternative: (else_clause "else" @decision)?)
(try_statement (else_clause "else" @decision))
(except_clause "except" @decision)
(for_in_clause "for" @decision)
[
  (list_comprehension (if_clause "if" @decision))
  (set_comprehension (if_clause "if" @decision))
  (dictionary_comprehension (if_clause "if" @decision))
  (generator_expression (if_clause "if" @decision))
]
(case_clause "case" @decision)
(case_clause . (case_pattern "_") @default . consequence: (block))
(assert_statement "assert" @decision)

(comment) @comment
