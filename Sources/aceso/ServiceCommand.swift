import ArgumentParser
import JSONCore
import Workspace

/// `aceso service`
struct ServiceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "service", abstract: "List, show, make, change and delete services of a running server.",
    subcommands: [List.self, Show.self, Create.self, Update.self, Delete.self])

  /// `workspace/service`
  struct Name: ExpressibleByArgument {
    let workspace: String
    let service: String

    var text: String { "\(workspace)/\(service)" }

    init?(argument: String) {
      let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, ServiceName.isWorkspace(parts[0]), ServiceName.isService(parts[1]) else { return nil }
      workspace = String(parts[0])
      service = String(parts[1])
    }

    func path(_ kind: ServiceDefinition.Kind) -> String { "/workspaces/\(workspace)/\(kind.rawValue)/\(service)" }

    /// Where a service is, whatever its kind.
    func find(_ client: AdministrationClient) throws -> (path: String, answer: AdministrationClient.Answer)? {
      for kind in ServiceDefinition.Kind.allCases {
        let answer = try client.send("GET", path(kind))
        if answer.isSuccess { return (path(kind), answer) }
        guard answer.status == 404 else { throw CommandError(answer.reason) }
      }
      return nil
    }

    func found(_ client: AdministrationClient) throws -> (path: String, answer: AdministrationClient.Answer) {
      guard let found = try find(client) else { throw CommandError("there is no service \(text)") }
      return found
    }
  }

  /// What a service is to be.
  struct Options: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "A YAML or JSON file with the service's properties, such as corsConfiguration.", valueName: "file"))
    var properties: String?

    @OptionGroup var tags: TagOptions

    func body(kind: String?) throws -> [UInt8] {
      var writer = JSONWriter()
      writer.beginObject()
      if let kind { writer.member("kind", kind) }
      tags.write(to: &writer)
      if let properties {
        writer.key("properties")
        do throws(ConfigurationError) {
          try YAMLDocument(try text(properties)).root.write(to: &writer)
        } catch {
          throw CommandError("\(properties), \(error)")
        }
      }
      writer.endObject()
      return writer.bytes
    }

    private func text(_ path: String) throws(ConfigurationError) -> String {
      do {
        return try DataFolder.text(path)
      } catch {
        throw ConfigurationError("\(error)", line: 1, column: 1)
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "A line for each service: its kind and where it is.")
    @Argument(help: "Only of this workspace.") var workspace: String?
    @OptionGroup var server: AdministrationOptions

    func run() throws {
      let client = try server.client()
      var names: [String] = []
      if let workspace {
        names = [workspace]
      } else {
        names = try AdministrationOutput.items(try client.ask("GET", "/workspaces").body).compactMap {
          $0["name"]?.string
        }
      }
      for name in names {
        let path = try WorkspaceCommand.path(name)
        for kind in ServiceDefinition.Kind.allCases {
          for item in try AdministrationOutput.items(try client.ask("GET", "\(path)/\(kind.rawValue)").body) {
            let shown = item["kind"]?.string ?? kind.rawValue
            AdministrationOutput.line("\(shown)  /\(name)/\(item["name"]?.string ?? "")")
          }
        }
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "A service, as JSON.")
    @Argument(help: "workspace/service") var name: Name
    @OptionGroup var server: AdministrationOptions

    func run() throws { try AdministrationOutput.show(try name.found(try server.client()).answer.body) }
  }

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Make a service, with a store of its own.")
    @Argument(help: "workspace/service") var name: Name
    @Option(help: ArgumentHelp("fhir-R4, fhir-R4B, fhir-R5, fhir-Stu3 or dicom. Default: fhir-R4", valueName: "kind"))
    var kind = "fhir-R4"
    @OptionGroup var options: Options
    @OptionGroup var server: AdministrationOptions

    func run() throws {
      let client = try server.client()
      guard try name.find(client) == nil else { throw CommandError("the service is there already") }
      let isFHIR = FHIRProperties.Release(rawValue: kind) != nil
      guard isFHIR || kind == "dicom" else { throw CommandError("'\(kind)' is no kind of service") }
      let path = name.path(isFHIR ? .fhir : .dicom)
      _ = try client.ask("PUT", path, try options.body(kind: isFHIR ? kind : nil))
      Terminal.output("Created service \(name.text)")
    }
  }

  struct Update: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Change properties and tags of a service; what is not named stays, what is null goes.")
    @Argument(help: "workspace/service") var name: Name
    @OptionGroup var options: Options
    @OptionGroup var server: AdministrationOptions

    func run() throws {
      let client = try server.client()
      _ = try client.ask("PATCH", try name.found(client).path, try options.body(kind: nil))
      Terminal.output("Updated service \(name.text)")
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take a service away. Its data stay on the disk, and are there again if it is made again.")
    @Argument(help: "workspace/service") var name: Name
    @OptionGroup var server: AdministrationOptions

    func run() throws {
      let client = try server.client()
      _ = try client.ask("DELETE", try name.found(client).path)
      Terminal.output("Deleted service \(name.text)")
    }
  }
}
