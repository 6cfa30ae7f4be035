public import Base
import DeviceMapping
import DeviceStore
import JSONCore

extension DeviceService {
  /// Carries out an interaction.
  /// - Throws: `Fault` alone.
  public func perform(_ call: DeviceCall) async throws(Fault) -> DeviceAnswer {
    switch call.interaction {
    case .status: return try status()
    case .accept(let device): return try await accept(call, device: device)
    case .readMapping(let kind): return try mapping(kind)
    case .writeMapping(let kind): return try await writeMapping(kind, call)
    case .debug: return try await debug(call)
    case .quarantine: return try await quarantine(call)
    case .readQuarantined(let number): return try await quarantined(number)
    case .discardQuarantined(let number):
      guard try await store.discard(number) else { throw Self.notQuarantined(number) }
      return DeviceAnswer(204)
    case .releaseQuarantined(let number): return try await release(number)
    case .replay: return try await replay(call)
    case .readReplay(let number):
      guard let replay = try store.replay(number) else { throw Fault(.notFound, "There is no replay \(number).") }
      return DeviceAnswer(200, Self.json(of: replay))
    }
  }

  // MARK: Messages

  private func accept(_ call: DeviceCall, device: String?) async throws(Fault) -> DeviceAnswer {
    var request = MessageRequest(
      contentType: call.contentType, fields: call.fields, body: call.body, deviceID: device,
      messagesMax: configuration.limits.requestMessagesMax)
    request.limits = jsonLimits
    let messages = try request.messages()
    let numbers = try await accept(messages)
    // Each interface has its own status for the same thing.
    if device != nil { return DeviceAnswer(204) }
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("messages", messages.count)
    if let numbers {
      writer.key("first")
      writer.number(numbers.lowerBound)
      writer.key("last")
      writer.number(numbers.upperBound)
    }
    writer.endObject()
    let isEventHubs = call.contentType?.lowercased().hasPrefix("application/vnd.microsoft.servicebus.json") ?? false
    return DeviceAnswer(isEventHubs ? 201 : 202, writer.bytes)
  }

  private func status() throws(Fault) -> DeviceAnswer {
    let progress = try store.progress()
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("name", store.name)
    writer.member("resolutionType", configuration.resolution.rawValue)
    writer.member("hasMappings", try store.mappingVersion() != nil)
    writer.key("messages")
    writer.number(progress.appended)
    writer.key("waiting")
    writer.number(progress.waiting)
    writer.member("quarantined", try store.quarantineCount())
    if let replay = try store.nextReplay() {
      writer.key("replay")
      writer.raw(Self.json(of: replay))
    }
    writer.endObject()
    return DeviceAnswer(200, writer.bytes)
  }

  // MARK: Mappings

  private func mapping(_ kind: MappingKind) throws(Fault) -> DeviceAnswer {
    guard let mapping = try store.mapping(kind) else {
      throw Fault(.notFound, "The service has no \(kind.rawValue) mapping yet.")
    }
    return DeviceAnswer(200, mapping.content)
  }

  private func writeMapping(_ kind: MappingKind, _ call: DeviceCall) async throws(Fault) -> DeviceAnswer {
    let warnings: [MappingProblem]
    do {
      warnings = try await setMapping(kind, call.body)
    } catch let error as MappingError {
      throw Fault(.invalid, error.problems.map { Self.reason($0, kind) })
    } catch let fault as Fault {
      throw fault
    } catch {
      throw Fault(.internal, "The mapping could not be stored.")
    }
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("warnings")
    writer.beginArray()
    for warning in warnings { writer.string(Self.text(warning)) }
    writer.endArray()
    writer.endObject()
    return DeviceAnswer(200, writer.bytes)
  }

  private static func reason(_ problem: MappingProblem, _ kind: MappingKind) -> Fault.Reason {
    let place = problem.template.map { "template[\($0)]" }
    let field = problem.field.map { (place.map { $0 + ".template." } ?? "") + $0 } ?? place
    return Fault.Reason(text(problem), code: "structure", at: field)
  }

  private static func text(_ problem: MappingProblem) -> String {
    "line \(problem.line), column \(problem.column): \(problem.message)"
  }

  // MARK: Debugging

  /// Body: `{"deviceMapping":…,"fhirMapping":…,"messages":[…],"last":n}`, all of them optional: mappings are else those in
  /// force, and `last` takes so many of the newest messages of the log.
  private func debug(_ call: DeviceCall) async throws(Fault) -> DeviceAnswer {
    let document: JSONDocument
    do throws(JSONError) {
      document = try JSONDocument(call.body.isEmpty ? Array("{}".utf8) : call.body, limits: jsonLimits)
    } catch {
      throw Fault(.invalid, "The body is no JSON: line \(error.line), column \(error.column): \(error.message)")
    }
    func text(_ name: JSONKey, _ kind: MappingKind) throws(Fault) -> [UInt8]? {
      guard let value = document.value[name] else { return try store.mapping(kind)?.content }
      if let text = value.string { return Array(text.utf8) }
      return MessageRequest.bytes(document, value.node)
    }
    let debugger = MappingDebugger(
      device: try text("deviceMapping", .device), fhir: try text("fhirMapping", .fhir),
      settings: configuration.mapping, limits: jsonLimits)
    let messages = try await debugMessages(document.value)
    return DeviceAnswer(200, debugger.report(on: messages, issued: clock.now()))
  }

  private func debugMessages(_ value: JSONValue) async throws(Fault) -> [StoredMessage] {
    let most = configuration.limits.debugMessagesMax
    if let last = value["last"]?.integer {
      guard (1...most).contains(last) else { throw Fault(.invalid, "'last' is a number from 1 to \(most).") }
      let end = try store.progress().appended
      return try await store.messages(after: max(0, end - Int64(last)), max: last)
    }
    guard let given = value["messages"] ?? value["message"] else { return [] }
    var request = MessageRequest(
      contentType: "application/json", body: MessageRequest.bytes(given.document, given.node), messagesMax: most)
    request.limits = jsonLimits
    let now = Timestamp(clock.now()).ticks
    return try request.messages().enumerated().map { place, content in
      StoredMessage(number: Int64(place + 1), received: now + Int64(place), content: content)
    }
  }

  // MARK: Quarantine

  private static func notQuarantined(_ number: Int64) -> Fault {
    Fault(.notFound, "The message \(number) is not in the quarantine.")
  }

  private func quarantine(_ call: DeviceCall) async throws(Fault) -> DeviceAnswer {
    let most = configuration.limits.quarantinePageMax
    let count = call.parameters["count"].map { Int($0) ?? 0 } ?? 100
    guard (1...most).contains(count) else { throw Fault(.invalid, "'count' is a number from 1 to \(most).") }
    let after = call.parameters["after"].flatMap { Int64($0) } ?? 0
    let entries = try await store.quarantined(after: after, max: count)
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("total", try store.quarantineCount())
    writer.key("messages")
    writer.beginArray()
    for entry in entries { Self.write(entry, withContent: false, to: &writer) }
    writer.endArray()
    writer.endObject()
    return DeviceAnswer(200, writer.bytes)
  }

  private func quarantined(_ number: Int64) async throws(Fault) -> DeviceAnswer {
    guard let entry = try await store.quarantined(number) else { throw Self.notQuarantined(number) }
    var writer = JSONWriter()
    Self.write(entry, withContent: true, to: &writer)
    return DeviceAnswer(200, writer.bytes)
  }

  private static func write(_ entry: QuarantinedMessage, withContent: Bool, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("message")
    writer.number(entry.message.number)
    writer.member("received", Timestamp(ticks: entry.message.received)?.shortest ?? "")
    writer.member("since", Timestamp(ticks: entry.since)?.shortest ?? "")
    writer.key("exception")
    writer.raw(entry.detail)
    if withContent {
      let content = entry.message.content
      // What came is shown as it came: it may be no JSON, nor text.
      if let body = String(validating: content.body, as: UTF8.self) {
        writer.member("body", body)
      } else {
        writer.member("bodyBase64", Base64.encode(content.body))
      }
      for (name, part) in [("properties", content.properties), ("systemProperties", content.systemProperties)]
      where !part.isEmpty {
        writer.key(name)
        writer.raw(part)
      }
    }
    writer.endObject()
  }

  private func release(_ number: Int64?) async throws(Fault) -> DeviceAnswer {
    let (tried, quarantined) = try await releaseQuarantine(number)
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("messages", tried)
    writer.member("quarantined", quarantined)
    writer.endObject()
    return DeviceAnswer(200, writer.bytes)
  }

  // MARK: Replay

  private func replay(_ call: DeviceCall) async throws(Fault) -> DeviceAnswer {
    func time(_ name: String) throws(Fault) -> Instant? {
      guard let text = call.parameters[name] else { return nil }
      guard let time = Timestamp.parse(text) else {
        throw Fault(.invalid, "'\(name)' is a time such as 2026-11-21T06:00:00Z.", code: "value")
      }
      return Instant(milliseconds: time.ticks / 10_000)
    }
    guard let from = try time("from") else { throw Fault(.invalid, "A replay needs 'from', and may have 'to'.") }
    let until = try time("to") ?? clock.now().advanced(byMilliseconds: 1)
    guard let replay = try await self.replay(from: from, until: until) else {
      throw Fault(.notFound, "The log has no messages of that time.")
    }
    return DeviceAnswer(202, Self.json(of: replay))
  }

  private static func json(of replay: Replay) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    for (name, value) in [
      ("number", replay.number), ("position", replay.position), ("last", replay.last), ("messages", replay.messages),
      ("saved", replay.saved), ("quarantined", replay.quarantined),
    ] {
      writer.key(name)
      writer.number(value)
    }
    writer.member("ended", replay.ended != nil)
    writer.endObject()
    return writer.bytes
  }
}
