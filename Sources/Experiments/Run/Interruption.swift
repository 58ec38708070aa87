import Foundation
import Synchronization

/// The signals that users, closed terminals and schedulers send, as a question a loop asks after each step. After the
/// first of them, SIGINT or SIGTERM ends the process at once; the others, which may come twice, never do.
public enum Interruption {
    private static let signals = [
        SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP", SIGUSR1: "SIGUSR1", SIGUSR2: "SIGUSR2",
    ]
    /// The first signal that came.
    private static let first = Atomic<Int32>(0)

    /// Begins to listen. A signal that was ignored, as `nohup` has SIGHUP, stays so. A pipe that nobody reads any
    /// more is an error to who writes to it, and no end.
    public static func install() {
        // The first access initialises it, before a handler can.
        first.store(0, ordering: .relaxed)
        signal(SIGPIPE, SIG_IGN)
        var listened = sigset_t()
        sigemptyset(&listened)
        for number in signals.keys {
            var action = sigaction()
            sigaction(number, nil, &action)
            guard !isIgnored(action) else { continue }
            action = sigaction()
            action.__sigaction_handler.sa_handler = { Interruption.receive($0) }
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
            sigaddset(&listened, number)
        }
        // Who starts this process may have left them blocked.
        pthread_sigmask(Int32(SIG_UNBLOCK), &listened, nil)
    }

    /// The name of the signal that came, if one did.
    public static var received: String? {
        let number = first.load(ordering: .relaxed)
        return number == 0 ? nil : signals[number] ?? "signal \(number)"
    }

    /// What a shell says of a process that a signal ended, 128 and its number: the status to end with.
    public static func exitStatus(after signal: String) -> Int32 {
        128 + (signals.first { $0.value == signal }?.key ?? SIGINT)
    }

    /// A signal's handler: nothing here but what one may do.
    private static func receive(_ number: Int32) {
        let error = errno
        defer { errno = error }
        guard first.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged else {
            guard number == SIGINT || number == SIGTERM else { return }
            signal(number, SIG_DFL)
            // It is blocked until the handler returns.
            raise(number)
            return
        }
        let line: StaticString =
            switch number {
            case SIGINT: "\nSIGINT: ends after this step; once more ends at once\n"
            case SIGTERM: "\nSIGTERM: ends after this step; once more ends at once\n"
            case SIGHUP: "\nSIGHUP: ends after this step; SIGTERM ends at once\n"
            case SIGUSR1: "\nSIGUSR1: ends after this step; SIGTERM ends at once\n"
            default: "\nSIGUSR2: ends after this step; SIGTERM ends at once\n"
            }
        // The line break ends a progress bar.
        _ = write(STDERR_FILENO, line.utf8Start, line.utf8CodeUnitCount)
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
