import Foundation
import Synchronization

/// SIGINT and SIGTERM as a question a loop asks after each step. A second one ends the process at once.
public enum Interruption {
    private static let signal = Atomic<Int32>(0)

    /// Begins to listen.
    public static func install() {
        // The first access initialises the flag, before a handler can.
        signal.store(0, ordering: .relaxed)
        for number in [SIGINT, SIGTERM] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                Interruption.signal.store(number, ordering: .relaxed)
            }
            action.sa_flags = Int32(bitPattern: SA_RESETHAND) | SA_RESTART
            sigaction(number, &action, nil)
        }
        // Who starts this process may have left them blocked.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(Int32(SIG_UNBLOCK), &signals, nil)
    }

    /// The name of the signal that came, if one did.
    public static var received: String? {
        switch signal.load(ordering: .relaxed) {
        case 0: nil
        case SIGINT: "SIGINT"
        case SIGTERM: "SIGTERM"
        case let other: "signal \(other)"
        }
    }
}
