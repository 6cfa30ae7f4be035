import ArgumentParser
import JSONCore
import Workspace

/// `aceso apply`
struct Apply: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a running server's workspaces and services what a file says.",
    discussion: """
      Workspaces and services that are not there are made, those that differ are changed; what the file does not name \
      stays. 'server' and 'limits' are read when a server starts, and left alone here.
      """)

  @Option(name: [.customShort("f"), .long], help: ArgumentHelp("Such as aceso.yaml.", valueName: "file"))
  var file: String

  @OptionGroup var server: AdministrationOptions

  func run() throws {
    let declared = try DeclarationFile(path: file).workspaces()
    let client = try server.client()
    if declared.server != ServerConfiguration() {
      Terminal.note("'server' and 'limits' of \(file) are read when a server starts; they are not applied.")
    }
    for workspace in declared.workspaces ?? [] {
      try apply(workspace, client)
      for service in workspace.services { try apply(service, in: workspace.name, client) }
    }
  }

  private func apply(_ workspace: Workspace, _ client: AdministrationClient) throws {
    let path = "/workspaces/\(workspace.name)"
    var wanted = workspace
    wanted.services = []
    let present = try client.send("GET", path)
    if present.isSuccess,
      try parsed({ () throws(ConfigurationError) in
        try Workspace(YAMLNode(json: present.body)) == wanted
      })
    {
      return Terminal.output("unchanged  \(workspace.name)")
    }
    var writer = JSONWriter()
    wanted.write(to: &writer, isShown: false)
    try put(path, writer.bytes, workspace.name, client)
  }

  private func apply(_ service: ServiceDefinition, in workspace: String, _ client: AdministrationClient) throws {
    let path = "/workspaces/\(workspace)/\(service.kind.rawValue)/\(service.name)"
    let present = try client.send("GET", path)
    if present.isSuccess,
      try parsed({ () throws(ConfigurationError) in
        try ServiceDefinition(YAMLNode(json: present.body), kind: service.kind, workspace: workspace) == service
      })
    {
      return Terminal.output("unchanged  \(workspace)/\(service.name)")
    }
    var writer = JSONWriter()
    service.write(to: &writer, shownIn: nil)
    try put(path, writer.bytes, "\(workspace)/\(service.name)", client)
  }

  private func put(_ path: String, _ body: [UInt8], _ name: String, _ client: AdministrationClient) throws {
    let answer = try client.send("PUT", path, body)
    guard answer.isSuccess else { throw CommandError("\(name): \(answer.reason)") }
    Terminal.output("\(answer.status == 201 ? "created  " : "changed  ")  \(name)")
  }

  private func parsed(_ read: () throws(ConfigurationError) -> Bool) throws -> Bool {
    do throws(ConfigurationError) {
      return try read()
    } catch {
      throw CommandError("the server's answer cannot be read: \(error)")
    }
  }
}
