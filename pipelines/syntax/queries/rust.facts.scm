(use_declaration) @import
(extern_crate_declaration) @import
(use_declaration argument: [(identifier) @binds (scoped_identifier name: (identifier) @binds)])
(use_list [(identifier) @binds (scoped_identifier name: (identifier) @binds)])
(use_as_clause alias: (identifier) @binds)
(scoped_use_list
  path: [(identifier) @binds (scoped_identifier name: (identifier) @binds)]
  list: (use_list (self)))
(extern_crate_declaration !alias name: (identifier) @binds)
(extern_crate_declaration alias: (identifier) @binds)
[(function_item) (mod_item)] @import.scope

[(identifier) (type_identifier)] @use
(scoped_identifier path: (_) name: (identifier) @member)
(scoped_type_identifier path: (_) name: (type_identifier) @member)

(attribute_item) @decorator

(call_expression function: [
  (identifier) @call
  (field_expression field: (field_identifier) @call)
  (scoped_identifier name: (identifier) @call)
  (generic_function function: [
    (identifier) @call
    (field_expression field: (field_identifier) @call)
    (scoped_identifier name: (identifier) @call)
  ])
])
(macro_invocation macro: [(identifier) @call (scoped_identifier name: (identifier) @call)])
; What a macro is given is no syntax yet: a name before a parenthesis is taken for a call, but for those of `cfg`.
((token_tree (identifier) @call . (token_tree . "(")) (#not-any-of? @call "all" "any" "not"))

; Of a `match`, which covers everything, all arms but one are decisions.
(if_expression "if" @decision)
(let_declaration alternative: (block) @decision)
(while_expression "while" @decision)
(for_expression "for" @decision)
(match_arm "=>" @decision)
(match_expression "match" @default)
(match_pattern "if" @decision)
(try_expression "?" @decision)
(binary_expression operator: ["&&" "||"] @decision)
(let_chain "&&" @decision)

((attribute_item (attribute (identifier) @cfg arguments: (token_tree) @which))
  . (attribute_item)* . [(mod_item) (function_item)] @test
  (#eq? @cfg "cfg") (#match? @which "\\btest\\b"))

[(line_comment) (block_comment)] @comment
