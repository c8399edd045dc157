; A `require` binds no name that the syntax shows.
((call !receiver method: (identifier) @require) @import
  (#any-of? @require "require" "require_relative" "load" "autoload"))

((call method: [(identifier) (constant)] @call) (#not-eq? @call "new"))
((call receiver: [(constant) @call (scope_resolution name: (constant) @call)] method: (identifier) @making)
  (#eq? @making "new"))

(if "if" @decision)
(elsif "elsif" @decision)
(if_modifier "if" @decision)
(unless "unless" @decision)
(unless_modifier "unless" @decision)
(while "while" @decision)
(while_modifier "while" @decision)
(until "until" @decision)
(until_modifier "until" @decision)
(for "for" @decision)
(when "when" @decision)
(in_clause "in" @decision)
(rescue "rescue" @decision)
(rescue_modifier "rescue" @decision)
(conditional "?" @decision)
(binary operator: ["&&" "||" "and" "or"] @decision)

(comment) @comment
