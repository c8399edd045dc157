(import_declaration) @import
(import_declaration (scoped_identifier name: (identifier) @binds) .)

[(identifier) (type_identifier)] @use
(field_access field: (identifier) @member)
(method_invocation object: (_) name: (identifier) @member)

(class_declaration (modifiers [(annotation) (marker_annotation)] @decorator))
(interface_declaration (modifiers [(annotation) (marker_annotation)] @decorator))
(enum_declaration (modifiers [(annotation) (marker_annotation)] @decorator))
(record_declaration (modifiers [(annotation) (marker_annotation)] @decorator))
(annotation_type_declaration (modifiers [(annotation) (marker_annotation)] @decorator))
(method_declaration (modifiers [(annotation) (marker_annotation)] @decorator))
(constructor_declaration (modifiers [(annotation) (marker_annotation)] @decorator))
(compact_constructor_declaration (modifiers [(annotation) (marker_annotation)] @decorator))

(method_invocation name: (identifier) @call)
(object_creation_expression type: [
  (type_identifier) @call
  (scoped_type_identifier (type_identifier) @call .)
  (generic_type [(type_identifier) @call (scoped_type_identifier (type_identifier) @call .)])
])

(if_statement "if" @decision)
(for_statement "for" @decision)
(enhanced_for_statement "for" @decision)
(while_statement "while" @decision)
(do_statement "while" @decision)
(switch_label "case" @decision)
(catch_clause "catch" @decision)
(ternary_expression "?" @decision)
(binary_expression operator: ["&&" "||"] @decision)

[(line_comment) (block_comment)] @comment
