import Base
import DICOMService
import DeviceService
import FHIRModel
import FHIRService
import HTTPServer
import JSONCore
import Synchronization

/// What operators ask for: a greeting, health, metrics.
extension Edge {
  private static let json = "application/json; charset=utf-8"

  /// GET and HEAD only; true for OPTIONS, which is answered alike everywhere here.
  private func isOptions(_ request: HTTPRequest, _ trace: inout Trace) throws(Fault) -> Bool {
    switch request.method {
    case .get, .head: return false
    case .options: return true
    default:
      trace.allowed = ["GET", "HEAD", "OPTIONS"]
      throw Fault(.methodNotAllowed, "This method is not offered here.")
    }
  }

  /// `/`: what runs here and where.
  func welcome(_ request: HTTPRequest, _ trace: inout Trace) throws(Fault) -> HTTPResponse {
    trace.activity = .welcome
    if try isOptions(request, &trace) { return options(["GET", "HEAD"], &trace) }
    var writer = JSONWriter(reserving: 512)
    writer.beginObject()
    writer.member("name", software.name)
    writer.member("version", software.version)
    writer.key("services")
    writer.beginArray()
    for mount in mounts.all {
      writer.beginObject()
      writer.member("workspace", mount.entrance.workspace)
      writer.member("name", mount.entrance.name)
      switch mount {
      case .fhir(let mount):
        writer.member("kind", "fhir")
        writer.member("fhirVersion", mount.service.schema.fhirVersion)
      case .dicom: writer.member("kind", "dicom")
      }
      writer.member("path", mount.entrance.path)
      writer.endObject()
    }
    for mount in deviceMounts {
      writer.beginObject()
      writer.member("workspace", mount.workspace)
      writer.member("name", mount.name)
      writer.member("kind", "iotconnector")
      writer.member("path", mount.path)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    return operatorAnswer(200, Self.json, writer.bytes)
  }

  /// `health/check`: 200 while every service reads and writes, else 503.
  func check(
    _ request: HTTPRequest, _ mounts: [Mount], _ trace: inout Trace
  ) throws(Fault) -> HTTPResponse {
    trace.activity = .health
    if try isOptions(request, &trace) { return options(["GET", "HEAD"], &trace) }
    let services = mounts.map { mount in
      ("\(mount.entrance.workspace)/\(mount.entrance.name)", Self.condition(mount.isWritable, mount.isReachable))
    }
    let isHealthy = services.allSatisfy { $0.1 == .sound }
    var writer = JSONWriter(reserving: 512)
    writer.beginObject()
    writer.member("overallStatus", isHealthy ? "Healthy" : "Unhealthy")
    writer.key("details")
    writer.beginArray()
    for (name, condition) in services {
      writer.beginObject()
      writer.member("name", name)
      writer.member("status", condition == .sound ? "Healthy" : "Unhealthy")
      writer.member("description", condition.rawValue)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    var response = operatorAnswer(isHealthy ? 200 : 503, Self.json, writer.bytes)
    if !isHealthy { response.headers.append(("Retry-After", String(Self.retryAfterSeconds))) }
    return response
  }

  /// How a service's store is.
  private enum Condition: String {
    case sound = "The store takes reads and writes."
    case away = "The store's database cannot be reached. The server connects again by itself."
    case failed = "The store takes no writes: its disk failed. Restart the server when the disk is sound."
  }

  private static func condition(_ isWritable: Bool, _ isReachable: Bool) -> Condition {
    if !isReachable { return .away }
    return isWritable ? .sound : .failed
  }

  /// `/metrics` in Prometheus' text format.
  func expose(_ request: HTTPRequest, _ trace: inout Trace) throws(Fault) -> HTTPResponse {
    trace.activity = .metrics
    if try isOptions(request, &trace) { return options(["GET", "HEAD"], &trace) }
    let now = load.withLock { $0 }?() ?? Load()
    var samples = metrics.samples
    samples += [
      MetricSample("aceso_http_connections", .gauge, "Open connections.", Double(now.connections)),
      MetricSample("aceso_http_requests_in_flight", .gauge, "Requests in work.", Double(now.requestsInFlight)),
      MetricSample("aceso_build_info", .gauge, "The version that runs.", 1, [("version", software.version)]),
    ]
    for mount in mounts.all {
      samples += Self.samples(
        mount.entrance.workspace, mount.entrance.name, mount.isWritable && mount.isReachable, mount.samples)
    }
    for mount in deviceMounts {
      samples += Self.samples(
        mount.workspace, mount.name, mount.service.isWritable && mount.service.isReachable, mount.samples)
    }
    let text = MetricSample.text(samples + process.samples)
    return operatorAnswer(200, "text/plain; version=0.0.4; charset=utf-8", Array(text.utf8))
  }

  private static func samples(_ workspace: String, _ service: String, _ isWritable: Bool, _ own: [MetricSample])
    -> [MetricSample]
  {
    let labels = [("workspace", workspace), ("service", service)]
    let writable = MetricSample(
      "aceso_service_writable", .gauge, "1 while the service takes writes.", isWritable ? 1 : 0, labels)
    return [writable]
      + own.map { sample in
        var sample = sample
        sample.labels = labels + sample.labels
        return sample
      }
  }

  private func operatorAnswer(_ status: Int, _ contentType: String, _ body: [UInt8]) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: [("Content-Type", contentType), ("Cache-Control", "no-store")], body: .bytes(body))
  }
}

extension Mount {
  /// Whether writes are taken.
  fileprivate var isWritable: Bool {
    switch self {
    case .fhir(let mount): mount.service.isWritable
    case .dicom(let mount): mount.service.isWritable
    }
  }

  /// False while the store's database is away.
  fileprivate var isReachable: Bool {
    switch self {
    case .fhir(let mount): mount.service.isReachable
    case .dicom(let mount): mount.service.isReachable
    }
  }

  fileprivate var samples: [MetricSample] {
    switch self {
    case .fhir(let mount): mount.samples()
    case .dicom(let mount): mount.samples()
    }
  }
}
