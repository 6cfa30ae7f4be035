import FHIRModel
import JSONCore

/// How clients show who they are: `CapabilityStatement.rest.security` (FHIR R4, SMART App Launch 2.2 "Conformance").
public struct ServiceSecurity: Hashable, Sendable {
  public struct Endpoint: Hashable, Sendable {
    /// As the extension names it: `authorize`, `token`, …
    public let name: String
    public let address: String

    public init(name: String, address: String) {
      self.name = name
      self.address = address
    }
  }

  public var endpoints: [Endpoint]
  public var capabilities: [String]
  /// Whether pages of some other origin may ask.
  public var hasCORS: Bool

  public init(endpoints: [Endpoint], capabilities: [String], hasCORS: Bool) {
    self.endpoints = endpoints
    self.capabilities = capabilities
    self.hasCORS = hasCORS
  }

  private static let structures = "http://fhir-registry.smarthealthit.org/StructureDefinition/"

  func write(_ schema: Schema, to writer: inout JSONWriter) {
    writer.key("security")
    writer.beginObject()
    writer.key("extension")
    writer.beginArray()
    if !endpoints.isEmpty {
      writer.beginObject()
      writer.member("url", Self.structures + "oauth-uris")
      writer.key("extension")
      writer.beginArray()
      for endpoint in endpoints {
        writer.beginObject()
        writer.member("url", endpoint.name)
        writer.member("valueUri", endpoint.address)
        writer.endObject()
      }
      writer.endArray()
      writer.endObject()
    }
    for capability in capabilities {
      writer.beginObject()
      writer.member("url", "http://hl7.org/fhir/smart-app-launch/StructureDefinition/capabilities")
      writer.member("valueCode", capability)
      writer.endObject()
    }
    writer.endArray()
    writer.member("cors", hasCORS)
    writer.key("service")
    writer.beginArray()
    for (code, display) in [("OAuth", "OAuth"), ("SMART-on-FHIR", "SMART-on-FHIR")] {
      writer.beginObject()
      writer.key("coding")
      writer.beginArray()
      writer.beginObject()
      writer.member(
        "system",
        schema.release == "3.0"
          ? "http://hl7.org/fhir/restful-security-service"
          : "http://terminology.hl7.org/CodeSystem/restful-security-service")
      writer.member("code", code)
      writer.member("display", display)
      writer.endObject()
      writer.endArray()
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}
