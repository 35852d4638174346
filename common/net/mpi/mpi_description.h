// The version and settings of the MPI library, for zhiyin doctor.
#pragma once

#include <cstdint>
#include <string>

namespace zhiyin::net {

/// The version and settings of Open MPI in this process. An empty text or 0 means unknown.
struct MpiDescription {
  std::string library;       // "Open MPI v4.1.4"
  std::string thread_level;  // "FUNNELED"; empty before MPI_Init
  // MCA parameters, as set by --mca, the environment or a file.
  std::string pml;
  std::string btl;
  std::string tcp_if_include;
  // The folder of the files that back the shared memory between the ranks of a host, and the size
  // of each rank's segment there.
  std::string shm_folder;
  int64_t shm_segment_bytes = 0;
};

/// Describes the MPI library, whether an MpiWorld exists or not. Called by the thread that uses
/// MPI. Sends no message and waits for no rank.
MpiDescription DescribeMpi();

}  // namespace zhiyin::net
