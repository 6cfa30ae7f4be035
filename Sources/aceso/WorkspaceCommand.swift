import ArgumentParser
import JSONCore
import Workspace

/// `aceso workspace`
struct WorkspaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workspace", abstract: "List, show, make, change and delete workspaces of a running server.",
    subcommands: [List.self, Show.self, Create.self, Update.self, Delete.self])

  /// A name that can stand in a path as it is.
  static func path(_ name: String) throws -> String {
    guard ServiceName.isWorkspace(name) else {
      throw CommandError("'\(name)' is no name of a workspace: lower-case letters and digits")
    }
    return "/workspaces/\(name)"
  }

  private static func body(_ tags: TagOptions) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    tags.write(to: &writer)
    writer.endObject()
    return writer.bytes
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "A line for each workspace.")
    @OptionGroup var server: AdministrationOptions

    func run() throws {
      let answer = try server.client().ask("GET", "/workspaces")
      for item in try AdministrationOutput.items(answer.body) {
        AdministrationOutput.line(item["name"]?.string ?? "")
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "A workspace, as JSON.")
    @Argument var name: String
    @OptionGroup var server: AdministrationOptions

    func run() throws {
      try AdministrationOutput.show(try server.client().ask("GET", try WorkspaceCommand.path(name)).body)
    }
  }

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Make a workspace.")
    @Argument var name: String
    @OptionGroup var tags: TagOptions
    @OptionGroup var server: AdministrationOptions

    func run() throws {
      let (client, path) = (try server.client(), try WorkspaceCommand.path(name))
      guard try client.send("GET", path).status == 404 else { throw CommandError("the workspace is there already") }
      _ = try client.ask("PUT", path, WorkspaceCommand.body(tags))
      Terminal.output("Created workspace \(name)")
    }
  }

  struct Update: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Set tags of a workspace.")
    @Argument var name: String
    @OptionGroup var tags: TagOptions
    @OptionGroup var server: AdministrationOptions

    func run() throws {
      _ = try server.client().ask("PATCH", try WorkspaceCommand.path(name), WorkspaceCommand.body(tags))
      Terminal.output("Updated workspace \(name)")
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Delete a workspace that has no services.")
    @Argument var name: String
    @OptionGroup var server: AdministrationOptions

    func run() throws {
      let answer = try server.client().ask("DELETE", try WorkspaceCommand.path(name))
      Terminal.output(answer.status == 204 ? "There is no workspace \(name)" : "Deleted workspace \(name)")
    }
  }
}
