// One side of a comparison: does a unit of work each time a line arrives on standard input and answers with
// the seconds it took, as JSON. `Benchmarks/compare` drives it and its PyTorch twin in turn.
//
//     benchmark-worker WORK THREADS [BATCH|FOLDER]
import CPUEngine
import DARTS
import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine

guard CommandLine.arguments.count >= 3, let threads = Int(CommandLine.arguments[2]) else {
    print("usage: benchmark-worker WORK THREADS [BATCH|FOLDER]")
    exit(64)
}
/// Writes a line at once, though standard output is a pipe.
func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

let name = CommandLine.arguments[1]
// The work on the operations that mixed sums are composed of.
let backend = try CPUBackend(threads: threads, fusesMixedSums: !name.hasSuffix("composed"))
let work = try Work(
    named: name, on: backend,
    CommandLine.arguments.count > 3 ? CommandLine.arguments[3] : nil)
say(
    "{\"ready\": \"\(backend.summary)\", \"parameters\": \(work.parameters), \"logits\": \(work.logits)}")
while readLine() != nil {
    let start = ContinuousClock.now
    try work.run()
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    say(
        "{\"seconds\": \(seconds), \"peak_bytes\": \(usage.ru_maxrss * 1024), \"faults\": \(usage.ru_minflt), \"pool\": \(backend.memory.peak)}"
    )
}
