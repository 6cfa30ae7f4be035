internal import FHIRModel
struct StaticTyping {
  init(_ syntax: Syntax, typeNames: [Syntax.ID: ResolvedType], schema: Schema) {}
  func check(context: Schema.TypeID?) throws(FHIRPathError) {}
}
