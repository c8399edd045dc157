(program (singleton_method
  object: [(constant) (identifier)] @receiver name: (_) @name "=" body: (_) @body) @definition.method)
(program (singleton_method
  object: [(constant) (identifier)] @receiver name: (_) @name parameters: (_) @header body: (_)? @body) @definition.method)
(program (singleton_method
  object: [(constant) (identifier)] @receiver name: (_) @name @header !parameters body: (_)? @body) @definition.method)

(singleton_method name: (_) @name "=" body: (_) @body) @definition.method
(singleton_method name: (_) @name parameters: (_) @header body: (_)? @body) @definition.method
(singleton_method name: (_) @name @header !parameters body: (_)? @body) @definition.method

(method name: (_) @name "=" body: (_) @body) @definition.function
(method name: (_) @name parameters: (_) @header body: (_)? @body) @definition.function
(method name: (_) @name @header !parameters body: (_)? @body) @definition.function

(class name: (_) @name superclass: (_) @header body: (_)? @body) @definition.class
(class name: (_) @name @header !superclass body: (_)? @body) @definition.class
(module name: (_) @name @header body: (_)? @body) @definition.class

; RSpec, minitest's specs, Rails, Capybara.
(call
  !receiver
  method: (identifier) @_runner
  arguments: (argument_list . (string (string_content)) @title)
  block: (_ body: (_) @body)
  (#any-of? @_runner "it" "specify" "example" "scenario" "test" "should" "fit" "xit" "fspecify" "xspecify")) @definition.test
(call
  method: (identifier) @_runner
  arguments: (argument_list . (string (string_content)) @scope.title)
  block: (_)
  (#any-of? @_runner "describe" "context" "feature" "fdescribe" "xdescribe" "fcontext" "xcontext")) @scope
(call
  method: (identifier) @_runner
  arguments: (argument_list . [(constant) (scope_resolution)] @scope.path)
  block: (_)
  (#any-of? @_runner "describe" "context" "feature" "fdescribe" "xdescribe" "fcontext" "xcontext")) @scope

(assignment
  left: (constant) @scope.name
  right: (call
    receiver: (constant) @_maker
    method: (identifier) @_making
    block: (_))
  (#any-of? @_maker "Class" "Module" "Struct" "Data")
  (#any-of? @_making "new" "define")) @scope.class

(call
  !receiver
  method: (identifier)
  arguments: (argument_list . [(method) (singleton_method)] @wrapped .)) @wrapper
(call
  !receiver
  method: (identifier)
  arguments: (argument_list . (call arguments: (argument_list . [(method) (singleton_method)] .)) @wrapped .)) @wrapper

(comment) @comment
