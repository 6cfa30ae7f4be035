import ArgumentParser
import Base
import Identity
import Issuer
import Server
import Storage
import Workspace

/// `aceso user`
struct UserCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "user", abstract: "Who may log in at the embedded issuer.",
    discussion: """
      Passwords are asked for at the terminal, or read from the first line of standard input. With files, not \
      PostgreSQL, the server must not run at the same time.
      """,
    subcommands: [Add.self, List.self, Password.self, Remove.self])

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Add a user.")

    @OptionGroup var place: RegistryOptions
    @Argument(help: "What they type to log in.") var name: String
    @Option(help: ArgumentHelp("Their full name.", valueName: "text")) var fullName: String?
    @Option(
      help: ArgumentHelp(
        "The FHIR resource that stands for them, such as Practitioner/123.", valueName: "reference"))
    var fhirUser: String?
    @Option(help: ArgumentHelp("A role, such as 'FHIR Data Reader'. May be given several times.", valueName: "name"))
    var role: [String] = []

    func run() async throws {
      try await place.with { registry in
        guard try await registry.account(name: name) == nil else {
          throw RegistryError("there is a user '\(name)' already")
        }
        // Checked before anybody types a password.
        let id = IdentifierSource(clock: .system).next()
        var account = try Account(
          id: id, name: name, displayName: fullName, fhirUser: fhirUser, roles: role, password: .decoy())
        account.password = try PasswordHash(password: try SecretInput.newPassword(for: name))
        try await registry.add(account)
        Terminal.output("Added the user \(name).")
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the users.")

    @OptionGroup var place: RegistryOptions

    func run() async throws {
      try await place.with { registry in
        for account in try await registry.accounts() {
          let roles = account.roles.isEmpty ? "-" : account.roles.joined(separator: ", ")
          Terminal.output("\(account.name)\t\(account.fhirUser ?? "-")\t\(roles)\t\(account.displayName ?? "-")")
        }
      }
    }
  }

  struct Password: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "passwd", abstract: "Give a user a new password; ends their sessions and what they allowed apps.")

    @OptionGroup var place: RegistryOptions
    @Argument(help: "The user.") var name: String

    func run() async throws {
      try await place.with { registry in
        guard try await registry.account(name: name) != nil else { throw RegistryError("there is no user '\(name)'") }
        let hash = try PasswordHash(password: try SecretInput.newPassword(for: name))
        guard try await registry.setPassword(hash, of: name) else {
          throw RegistryError("there is no user '\(name)'")
        }
        Terminal.output("The user \(name) has a new password.")
      }
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove a user with all that they allowed apps.")

    @OptionGroup var place: RegistryOptions
    @Argument(help: "The user.") var name: String

    func run() async throws {
      try await place.with { registry in
        guard try await registry.removeAccount(name: name) else { throw RegistryError("there is no user '\(name)'") }
        Terminal.output("Removed the user \(name).")
      }
    }
  }
}

/// Where users and apps are kept.
struct RegistryOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The server's data directory. Default: ./aceso-data", valueName: "dir"))
  var dataDir: String?

  @OptionGroup var stores: StoreOptions

  /// Opens the users and apps for as long as `body` takes.
  func with(_ body: (Registry) async throws -> Void) async throws {
    var configuration = ServerConfiguration()
    configuration.dataDirectory = dataDir
    stores.apply(to: &configuration)
    // Whatever is made is for its owner alone.
    DataFolder.keepPrivate()
    let database = try StorePlace.chosen(configuration).openIssuer()
    do {
      try await body(try await Registry(database))
      await database.close()
    } catch {
      await database.close()
      switch error {
      case let error as StorageError: throw StorePlace.failure("of users and apps", error)
      case let error as KeyError: throw CommandError(error.message)
      default: throw error
      }
    }
  }
}
