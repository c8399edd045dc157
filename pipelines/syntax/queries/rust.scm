(function_item name: (_) @name body: (block) @body) @definition.function
(function_signature_item name: (_) @name) @definition.function
(struct_item name: (_) @name body: (_)? @body) @definition.class
(union_item name: (_) @name body: (_) @body) @definition.class
(enum_item name: (_) @name body: (_) @body) @definition.class
(trait_item name: (_) @name body: (_) @body) @definition.class

(impl_item type: (_) @scope.name) @scope.class
(mod_item name: (_) @scope.name body: (_)) @scope

(attribute_item) @leading
(line_comment) @comment
(block_comment) @comment
