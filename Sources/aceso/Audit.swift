import ArgumentParser
import Server

/// `aceso audit`
struct Audit: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Work with audit logs.", subcommands: [AuditVerify.self])
}

/// `aceso audit verify`
struct AuditVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that no line of an audit log was changed, left out or added between others.",
    discussion: """
      The answer ends with the last line's hash. Kept elsewhere, it tells later whether lines at the end are missing, \
      or whether the whole log was written anew: give it with --contains.
      """)

  @Argument(help: "The audit log.")
  var file: String

  @Option(help: ArgumentHelp("A hash that one of the lines must have.", valueName: "hash"))
  var contains: String?

  func run() throws {
    let verdict: AuditChain.Verdict
    do throws(AuditLogError) {
      verdict = try AuditChain.verify(path: file, containing: contains)
    } catch {
      throw CommandError("\(file): \(error)")
    }
    if let flaw = verdict.flaw {
      throw CommandError("\(file), line \(verdict.lines + 1): \(flaw)")
    }
    if let contains, !verdict.isFound {
      throw CommandError("\(file): no line has the hash \(contains): lines are missing, or all were written anew")
    }
    Terminal.output("\(verdict.lines) lines, unbroken. The last has the hash \(verdict.hash)")
  }
}
