import Base
import FHIRModel
import FHIRService
import Foundation
import JSONCore
import Synthesis
import Testing

/// A server that is loaded, and the oracle that knows the same.
struct OracleWorld {
  let server: OracleServer
  let oracle: Oracle

  /// Whether quantities in UCUM units are found by other units of the same kind.
  static let convertsUnits = true

  /// The server's time stands still: `ap` depends on it.
  private static let now = Instant(milliseconds: 1_767_225_600_000)

  /// Creates, updates, deletes and brings back resources, on both sides.
  /// - Parameter listedMax: searches with fewer matches come in order of creation.
  static func loaded(listedMax: Int = 256) async throws -> OracleWorld {
    let time = OracleClock(now)
    let server = try await OracleServer(clock: Clock { time.now() }, listedMax: listedMax)
    var order: [String] = []
    var current: [String: OracleResource] = [:]
    func put(_ type: String, _ id: String, _ json: [UInt8]) async throws {
      time.step()
      let reply = try await server.send(.put, "\(type)/\(id)", json)
      guard reply.status < 300, let updated = reply.updated.flatMap(OracleDate.range) else {
        Issue.record("\(type)/\(id) was refused: \(reply.text) \(String(decoding: json, as: UTF8.self))")
        return
      }
      let key = "\(type)/\(id)"
      if !order.contains(key) { order.append(key) }
      current[key] = OracleResource(type: type, id: id, document: try JSONDocument(json), updated: updated.low)
    }
    let all = try synthetic() + NastyResources().all.map { ($0.type, $0.id, Array($0.json.utf8)) }
    for (type, id, json) in all { try await put(type, id, json) }
    // What was said before does not count any more: updates, deletions, and what came back.
    for (place, resource) in all.enumerated() where place % 7 == 3 {
      let other = all[(place + 7) % all.count]
      if other.0 == resource.0, let json = renamed(other.2, from: other.1, to: resource.1) {
        try await put(resource.0, resource.1, json)
      }
    }
    for (place, resource) in all.enumerated() where place % 13 == 5 {
      time.step()
      _ = try await server.send(.delete, "\(resource.0)/\(resource.1)")
      current["\(resource.0)/\(resource.1)"] = nil
      if place % 26 == 5 { try await put(resource.0, resource.1, resource.2) }
    }
    for (type, id, json) in OracleTerminology.resources { try await put(type, id, Array(json.utf8)) }
    time.stop()
    let oracle = Oracle(
      OracleData(order.compactMap { current[$0] }), now: now.milliseconds * 1_000, convertsUnits: convertsUnits)
    return OracleWorld(server: server, oracle: oracle)
  }

  private static func synthetic() throws -> [(String, String, [UInt8])] {
    let synthesis = PatientSynthesis(seed: 7, historyYears: 1)
    var all: [(String, String, [UInt8])] = []
    func take(_ type: String, _ json: ArraySlice<UInt8>) throws {
      guard let id = try JSONDocument(Array(json)).value["id"]?.string else { return }
      all.append((type, id, Array(json)))
    }
    try synthesis.eachSharedResource(take)
    for index in 0..<4 { try synthesis.eachResource(ofPatient: index, take) }
    return all
  }

  private static func renamed(_ json: [UInt8], from: String, to: String) -> [UInt8]? {
    let text = String(decoding: json, as: UTF8.self)
    guard let place = text.range(of: "\"id\":\"\(from)\"") else { return nil }
    return Array(text.replacingCharacters(in: place, with: "\"id\":\"\(to)\"").utf8)
  }
}
