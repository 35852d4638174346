// The version and settings of the MPI library, for zhiyin doctor and for logs.
#pragma once

#include <cstdint>
#include <string>

namespace zhiyin::net {

/// The version and settings of Open MPI in this process. "" and 0: not known.
struct MpiDescription {
  std::string library;       // "Open MPI v4.1.4"
  std::string thread_level;  // "FUNNELED"; only inside a world
  // Parameters, as set by --mca, the environment or a file.
  std::string pml;
  std::string btl;
  std::string tcp_if_include;
  // The folder of the shared memory of the ranks of a host, and the bytes of each rank in it.
  std::string shm_folder;
  int64_t shm_segment_bytes = 0;
};

/// Describes the MPI library, with or without an MpiWorld; on the thread that would make it. Sends
/// nothing and waits for no rank.
MpiDescription DescribeMpi();

}  // namespace zhiyin::net
