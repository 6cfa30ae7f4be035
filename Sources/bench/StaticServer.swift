import Glibc
import HTTPServer

/// The ceiling: the server's own HTTP library answering every request with the same ready-made bytes.
enum StaticServer {
  static func run(port: Int, body path: String) async throws {
    let body = SmallFile.bytes(path)
    let server = HTTPServer(host: "127.0.0.1", port: port) { _ in
      HTTPResponse(
        status: 200,
        headers: [
          ("Content-Type", "application/fhir+json; charset=utf-8"), ("ETag", #"W/"1""#),
          ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ],
        body: .bytes(body))
    }
    _ = try await server.start()
    // The bench ends this process by a signal, which needs no answer here.
    while !Task.isCancelled { try await Task.sleep(for: .seconds(3_600)) }
  }
}
