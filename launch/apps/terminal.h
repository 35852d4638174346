// Whether a person watches the output.
#pragma once

namespace zhiyin::launch::apps {

/// Whether standard output is a terminal. Under mpirun a rank's output is always a pseudo-terminal
/// of mpirun; there this returns whether the output of mpirun is a terminal, and false on other
/// hosts than that of mpirun.
bool OutputIsWatched(bool under_mpirun);

}  // namespace zhiyin::launch::apps
