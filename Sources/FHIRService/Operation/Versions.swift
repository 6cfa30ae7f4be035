import FHIRModel
import JSONCore

extension FHIRService {
  /// `$versions` (FHIR R4 capabilitystatement-operation-versions.html): the release without its patch number.
  func versions() -> Answer {
    let version = schema.release
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("resourceType", "Parameters")
    writer.key("parameter")
    writer.beginArray()
    for name in ["version", "default"] {
      writer.beginObject()
      writer.member("name", name)
      writer.member("valueString", version)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    return Answer(200, resource: writer.bytes)
  }
}
