import Bilevel
import DARTS
import DCGAN
import ErrataCLI
import Experiments
import Images
import LFM
import PCDARTS
import PDARTS
import Relaxations

ErrataCLI.main(
    plugins: [
        DARTSPlugin(), PDARTSPlugin(), PCDARTSPlugin(), RelaxationsPlugin(), DCGANPlugin(), LFMPlugin(),
        BilevelPlugin(), ImagesPlugin(),
    ],
    defaults: ComponentDefaults(
        searchSpace: "darts", method: "lfm", generator: "dcgan", weighter: "validation-loss",
        hypergradient: "first-order", dataset: "fashion-mnist"))
