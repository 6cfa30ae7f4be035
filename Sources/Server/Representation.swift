import Base
import FHIRModel
import FHIRService
import FHIRXML
import HTTPServer
import JSONCore

/// A resource's bytes on the wire and within: the house works on JSON, XML is made and read at its edge.
struct Representation {
  let xml: XMLForm
  let limits: Limits
  /// The service's release, "4.0".
  let release: String

  /// The bytes to send.
  func encode(_ json: [UInt8], as format: Format, isPretty: Bool) throws(Fault) -> [UInt8] {
    if !format.isXML && !isPretty { return json }
    let document = try document(json)
    var bytes: [UInt8] = []
    if format.isXML {
      try xml.append(document, to: &bytes, indented: isPretty)
    } else {
      document.appendPretty(document.root, to: &bytes)
    }
    return bytes
  }

  /// The resource or patch of a body, parsed from the bytes it came in.
  /// - Throws: `.unsupportedMediaType` for a body that does not say what it is, `.invalid` for one that is not that.
  func resource(_ request: HTTPRequest) throws(Fault) -> ResourceNode {
    if request.body.isEmpty {
      throw Fault(.invalid, "The request has no body; a resource was expected.", code: "required")
    }
    try request.checkIsNotEncoded()
    let form = try Negotiation.bodyForm(
      request.single("content-type"), isPatch: request.method == .patch, release: release)
    if form == .xml {
      let converted = request.body.withUnsafeBytes { bytes in
        Result { () throws(Fault) in try xml.json(fromXML: bytes, limits: limits) }
      }
      return ResourceNode(try document(try converted.get()))
    }
    let parsed = request.body.withUnsafeBytes { bytes in
      Result { () throws(JSONError) in try JSONDocument(bytes, limits: json) }
    }
    return ResourceNode(try checked(parsed))
  }

  private var json: JSONLimits {
    var json = JSONLimits()
    json.depthMax = limits.jsonDepthMax
    json.nodesMax = limits.jsonNodesMax
    return json
  }

  /// JSON of our own making.
  func document(_ bytes: [UInt8]) throws(Fault) -> JSONDocument {
    try checked(Result { () throws(JSONError) in try JSONDocument(bytes, limits: json) })
  }

  private func checked(_ parsed: Result<JSONDocument, JSONError>) throws(Fault) -> JSONDocument {
    switch parsed {
    case .success(let document): return document
    case .failure(let error): throw Fault(.invalid, error.message, code: "structure")
    }
  }
}
