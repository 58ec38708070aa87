import Bilevel
import DARTS
import DCGAN
import EarlyStoppings
import ErrataCLI
import Experiments
import Images
import LFM
import NASBench201
import PCDARTS
import PDARTS
import RandomSearch
import Relaxations
import WGANGP

ErrataCLI.main(
    plugins: [
        DARTSPlugin(), PDARTSPlugin(), PCDARTSPlugin(), NASBench201Plugin(), RelaxationsPlugin(),
        DCGANPlugin(), WGANGPPlugin(),
        LFMPlugin(), BilevelPlugin(), RandomSearchPlugin(), ImagesPlugin(), EarlyStoppingsPlugin(),
    ],
    defaults: ComponentDefaults(
        searchSpace: "darts", method: "lfm", generator: "dcgan", weighter: "validation-loss",
        hypergradient: "first-order", dataset: "fashion-mnist"))
