import Base
import FoundationEssentials
import Glibc
import JSONCore

/// A DICOMweb server that is measured: ours, or another for comparison.
struct DICOMServer {
  let name: String
  let server: ServerProcess
  /// The service's path.
  let base: String
  private let isOrthanc: Bool

  var requests: DICOMRequests { DICOMRequests(host: "127.0.0.1:\(server.port)", base: base) }
  var client: TransferClient { TransferClient(server: server) }

  static func aceso(_ path: String, in folder: String) throws -> DICOMServer {
    let data = try make("\(folder)/aceso")
    let server = try ServerProcess(path, health: Run.healthPath, log: "\(folder)/aceso.log") { port in
      ["serve", "--data-dir", data, "--host", "127.0.0.1", "--port", "\(port)"]
    }
    return DICOMServer(name: "Aceso", server: server, base: "/default/dicom/v2", isOrthanc: false)
  }

  /// Orthanc of Debian's packages with its DICOMweb plugin, nil if they are not installed.
  static func orthanc(in folder: String) throws -> DICOMServer? {
    guard let program = InstalledProgram("Orthanc") else { return nil }
    let plugin = "\(program.prefix)/share/orthanc/plugins/libOrthancDicomWeb.so"
    guard access(plugin, R_OK) == 0 else { return nil }
    let data = try make("\(folder)/orthanc")
    let server = try ServerProcess(program.path, health: "/system", log: "\(folder)/orthanc.log") { port in
      let configuration = """
        {"Name": "bench", "StorageDirectory": "\(data)", "IndexDirectory": "\(data)", "HttpPort": \(port),
        "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "KeepAlive": true, "HttpThreadsCount": 50,
        "DicomServerEnabled": false, "Plugins": ["\(plugin)"], "StorageCompression": false,
        "DicomWeb": {"Enable": true, "Root": "/dicom-web/", "EnableWado": false}}
        """
      SmallFile.write("\(data)/orthanc.json", Array(configuration.utf8))
      return ["\(data)/orthanc.json"]
    }
    return DICOMServer(name: "Orthanc", server: server, base: "/dicom-web", isOrthanc: true)
  }

  private static func make(_ path: String) throws -> String {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  /// The path to delete a study by. Orthanc has names of its own for studies, which it must be asked for.
  func deletion(of study: String) throws -> TransferRequest {
    guard isOrthanc else { return requests.delete("\(base)/studies/\(study)") }
    let head =
      "POST /tools/lookup HTTP/1.1\r\nHost: \(requests.host)\r\nContent-Length: \(study.utf8.count)\r\n\r\n"
    let answer = try client.ask(TransferRequest(Array(head.utf8), Array(study.utf8)))
    let document = try JSONDocument(answer.body)
    let path = document.elements(document.root).lazy.compactMap { node in
      document.member(node, "Path").flatMap { document.string($0) }
    }.first { $0.hasPrefix("/studies/") }
    guard let path else { throw TransferClient.Refusal(text: "the study is not there") }
    return requests.delete(path)
  }
}

/// Static files of nginx, what a server of files can do at best on the machine.
enum StaticFiles {
  /// Nil if nginx is not installed.
  static func start(in folder: String) throws -> ServerProcess? {
    guard let program = InstalledProgram("nginx") else { return nil }
    let own = "\(folder)/nginx"
    try FileManager.default.createDirectory(atPath: "\(own)/files", withIntermediateDirectories: true)
    SmallFile.write("\(own)/files/health", Array("ok".utf8))
    return try ServerProcess(program.path, health: "/health", log: "\(own)/log") { port in
      let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(own)/\($0);" }
      let configuration = """
        daemon off; master_process off; pid \(own)/pid; error_log \(own)/errors;
        events { worker_connections 256; }
        http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; \(temporary.joined(separator: " "))
        server { listen 127.0.0.1:\(port); root \(own)/files; } }
        """
      SmallFile.write("\(own)/nginx.conf", Array(configuration.utf8))
      return ["-c", "\(own)/nginx.conf", "-p", own]
    }
  }

  static func put(_ name: String, _ bytes: [UInt8], in folder: String) {
    SmallFile.write("\(folder)/nginx/files/\(name)", bytes)
  }
}

/// A program on the PATH, or where Debian keeps daemons.
private struct InstalledProgram {
  let path: String
  /// The folder that `bin` or `sbin` is in.
  let prefix: String

  init?(_ name: String) {
    let folders = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":").map(String.init)
    guard let folder = (folders + ["/usr/sbin"]).first(where: { access("\($0)/\(name)", X_OK) == 0 }) else {
      return nil
    }
    path = "\(folder)/\(name)"
    prefix = folder.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
  }
}
