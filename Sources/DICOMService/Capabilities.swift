import Base
import DICOMweb
import JSONCore

extension DICOMService {
  /// Retrieve Capabilities (PS3.18 §8.9): what this service does, in WADL or as the same in JSON (annex H).
  func capabilities(_ call: DICOMCall) throws(Fault) -> DICOMAnswer {
    let wadl = "application/vnd.sun.wadl+xml"
    let acceptance = call.acceptance
    let type = acceptance.isAbsent ? wadl : acceptance.choice(of: [wadl, "application/json", "application/dicom+json"])
    let description = CapabilityDescription(base: call.root, version: call.version, software: software)
    switch type {
    case wadl: return DICOMAnswer(200, contentType: wadl, .bytes(description.wadl()))
    case let json?: return DICOMAnswer(200, contentType: json, .bytes(description.json()))
    case nil: throw Acceptance.notAcceptable
    }
  }
}

/// What a DICOM service does, for clients to read (PS3.18 annex H).
struct CapabilityDescription {
  let base: String
  let version: DICOMVersion
  let software: DICOMService.Software

  struct Method {
    let name: StaticString
    let id: StaticString
    var requests: [StaticString] = []
    var responses: [StaticString] = []
    var statuses: StaticString
    var parameters: [StaticString] = []
  }

  struct Resource {
    let path: StaticString
    let methods: [Method]
  }

  private static let dataSets: [StaticString] = [
    "application/dicom+json", "multipart/related; type=\"application/dicom+xml\"",
  ]
  private static let instances: [StaticString] = ["multipart/related; type=\"application/dicom\""]
  private static let metadata: [StaticString] = [
    "multipart/related; type=\"application/dicom+json\"", "multipart/related; type=\"application/dicom+xml\"",
  ]
  private static let values: [StaticString] = [
    "multipart/related; type=\"application/octet-stream\"", "multipart/related; type=\"image/jpeg\"",
    "multipart/related; type=\"image/jls\"", "multipart/related; type=\"image/jp2\"",
    "multipart/related; type=\"image/jphc\"", "multipart/related; type=\"image/dicom-rle\"",
  ]
  private static let pictures: [StaticString] = ["image/jpeg", "image/png", "image/gif"]
  private static let searchParameters: [StaticString] = [
    "{attributeID}", "includefield", "fuzzymatching", "emptyvaluematching", "multiplevaluematching", "limit", "offset",
    "accept",
  ]
  private static let renderingParameters: [StaticString] = ["accept", "quality", "viewport", "window"]

  private static func search(_ path: StaticString, _ id: StaticString) -> Resource {
    Resource(path: path, methods: [searchMethod(id)])
  }

  private static func searchMethod(_ id: StaticString) -> Method {
    Method(name: "GET", id: id, responses: dataSets, statuses: "200 204 400 406", parameters: searchParameters)
  }

  private static func store(_ id: StaticString) -> Method {
    Method(
      name: "POST", id: id, requests: instances + ["application/dicom"] + metadata,
      responses: ["application/dicom+json", "application/dicom+xml"], statuses: "200 202 204 400 406 409 413 415")
  }

  private static func retrieve(_ id: StaticString, _ types: [StaticString]) -> Method {
    Method(name: "GET", id: id, responses: types, statuses: "200 400 404 406", parameters: ["accept"])
  }

  private static func render(_ path: StaticString, _ id: StaticString) -> Resource {
    Resource(
      path: path,
      methods: [
        Method(
          name: "GET", id: id, responses: pictures, statuses: "200 400 404 406", parameters: renderingParameters)
      ])
  }

  private static func target(
    _ path: StaticString, _ level: StaticString, _ ids: (retrieve: StaticString, delete: StaticString),
    store: Method? = nil
  ) -> Resource {
    let delete = Method(name: "DELETE", id: ids.delete, statuses: "204 400 404")
    return Resource(path: path, methods: [retrieve(ids.retrieve, instances), delete] + (store.map { [$0] } ?? []))
  }

  static let resources: [Resource] = [
    Resource(path: "studies", methods: [searchMethod("SearchForStudies"), store("StoreInstances")]),
    target(
      "studies/{study}", "study", ("RetrieveStudy", "DeleteStudy"), store: store("StoreStudyInstances")),
    Resource(path: "studies/{study}/metadata", methods: [retrieve("RetrieveStudyMetadata", dataSets)]),
    render("studies/{study}/rendered", "RetrieveRenderedStudy"),
    render("studies/{study}/thumbnail", "RetrieveStudyThumbnail"),
    Resource(path: "studies/{study}/bulkdata", methods: [retrieve("RetrieveStudyBulkdata", values)]),
    Resource(path: "studies/{study}/pixeldata", methods: [retrieve("RetrieveStudyPixelData", values)]),
    search("series", "SearchForSeries"),
    search("studies/{study}/series", "SearchForStudySeries"),
    target("studies/{study}/series/{series}", "series", ("RetrieveSeries", "DeleteSeries")),
    Resource(
      path: "studies/{study}/series/{series}/metadata", methods: [retrieve("RetrieveSeriesMetadata", dataSets)]),
    render("studies/{study}/series/{series}/rendered", "RetrieveRenderedSeries"),
    render("studies/{study}/series/{series}/thumbnail", "RetrieveSeriesThumbnail"),
    search("instances", "SearchForInstances"),
    search("studies/{study}/instances", "SearchForStudyInstances"),
    search("studies/{study}/series/{series}/instances", "SearchForStudySeriesInstances"),
    target(
      "studies/{study}/series/{series}/instances/{instance}", "instance", ("RetrieveInstance", "DeleteInstance")),
    Resource(
      path: "studies/{study}/series/{series}/instances/{instance}/metadata",
      methods: [retrieve("RetrieveInstanceMetadata", dataSets)]),
    render("studies/{study}/series/{series}/instances/{instance}/rendered", "RetrieveRenderedInstance"),
    render("studies/{study}/series/{series}/instances/{instance}/thumbnail", "RetrieveInstanceThumbnail"),
    Resource(
      path: "studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
      methods: [retrieve("RetrieveFrames", values)]),
    render("studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered", "RetrieveRenderedFrames"),
    Resource(
      path: "studies/{study}/series/{series}/instances/{instance}/bulkdata/{path}",
      methods: [retrieve("RetrieveBulkdata", values)]),
    Resource(
      path: "studies/{study}/series/{series}/instances/{instance}/pixeldata",
      methods: [retrieve("RetrieveInstancePixelData", values)]),
  ]

  // MARK: Writing

  func wadl() -> [UInt8] {
    var text = """
      <?xml version="1.0" encoding="UTF-8"?>
      <application xmlns="http://wadl.dev.java.net/2009/02">
      <doc title="\(escaped(software.name)) \(escaped(software.version))"/>
      <resources base="\(escaped(base))/">

      """
    for resource in Self.resources {
      text += "<resource path=\"\(resource.path)\">"
      for method in resource.methods {
        text += "<method name=\"\(method.name)\" id=\"\(method.id)\"><request>"
        for name in method.parameters { text += "<param name=\"\(name)\" style=\"query\"/>" }
        for type in method.requests { text += "<representation mediaType=\"\(escaped(type.description))\"/>" }
        text += "</request><response status=\"\(method.statuses)\">"
        for type in method.responses { text += "<representation mediaType=\"\(escaped(type.description))\"/>" }
        text += "</response></method>"
      }
      text += "</resource>\n"
    }
    text += "</resources>\n</application>\n"
    return Array(text.utf8)
  }

  private func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case "\"": result += "&quot;"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }

  func json() -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("application")
    writer.beginObject()
    writer.member("title", "\(software.name) \(software.version)")
    writer.key("resources")
    writer.beginObject()
    writer.member("base", "\(base)/")
    writer.key("resource")
    writer.beginArray()
    for resource in Self.resources { write(resource, &writer) }
    writer.endArray()
    for _ in 0..<3 { writer.endObject() }
    return writer.bytes
  }

  private func write(_ resource: Resource, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("path", resource.path.description)
    writer.key("method")
    writer.beginArray()
    for method in resource.methods {
      writer.beginObject()
      writer.member("name", method.name.description)
      writer.member("id", method.id.description)
      writer.key("request")
      writer.beginObject()
      list("param", method.parameters, &writer)
      list("representation", method.requests, &writer)
      writer.endObject()
      writer.key("response")
      writer.beginObject()
      writer.key("status")
      writer.beginArray()
      for status in method.statuses.description.split(separator: " ") { writer.number(Int(status) ?? 0) }
      writer.endArray()
      list("representation", method.responses, &writer)
      writer.endObject()
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }

  private func list(_ name: StaticString, _ values: [StaticString], _ writer: inout JSONWriter) {
    writer.key(name)
    writer.beginArray()
    for value in values { writer.string(value.description) }
    writer.endArray()
  }
}
