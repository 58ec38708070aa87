import Foundation
import Synchronization

/// SIGINT and SIGTERM as a question a loop asks after each step. A second one of either ends the process at once.
public enum Interruption {
    private static let flag = Atomic<Int32>(0)

    /// Begins to listen.
    public static func install() {
        // The first access initialises the flag, before a handler can.
        flag.store(0, ordering: .relaxed)
        for number in [SIGINT, SIGTERM] {
            var action = sigaction()
            // Nothing here but what a handler may do: an atomic store and signal(2).
            action.__sigaction_handler.sa_handler = { number in
                Interruption.flag.store(number, ordering: .relaxed)
                signal(SIGINT, SIG_DFL)
                signal(SIGTERM, SIG_DFL)
            }
            action.sa_flags = SA_RESTART
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
        switch flag.load(ordering: .relaxed) {
        case 0: nil
        case SIGINT: "SIGINT"
        case SIGTERM: "SIGTERM"
        case let other: "signal \(other)"
        }
    }
}
