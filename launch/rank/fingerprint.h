// The identity of this build.
#pragma once

#include <string>

namespace zhiyin::launch::rank {

/// "zhiyin 0.1.0 (protocol 1, 5f3a9c1e)": the program's version, the frames' version, and a digest
/// of everything that ranks must agree on to understand each other: the fields of job.proto and
/// manifest.proto, the kinds of frames, the layouts of ps/protocol.h. Independent of the compiler;
/// no line break.
std::string Fingerprint();

}  // namespace zhiyin::launch::rank
