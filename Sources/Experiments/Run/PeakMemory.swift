import Foundation

/// The most memory this process has had in use, in bytes.
public func peakResidentMemory() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
}
