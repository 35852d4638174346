#include "common/net/mpi/mpi_description.h"

#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace zhiyin::net {
namespace {

/// An MPI_T control variable as text; "" when there is none of that name or it holds nothing.
std::string ControlVariable(const char* name) {
  int index = 0;
  if (MPI_T_cvar_get_index(name, &index) != MPI_SUCCESS) return "";
  MPI_Datatype type = MPI_DATATYPE_NULL;
  int ignored = 0;
  int name_length = 0;
  int text_length = 0;
  if (MPI_T_cvar_get_info(index, nullptr, &name_length, &ignored, &type, nullptr, nullptr,
                          &text_length, &ignored, &ignored) != MPI_SUCCESS) {
    return "";
  }
  MPI_T_cvar_handle handle = MPI_T_CVAR_HANDLE_NULL;
  int count = 0;
  if (MPI_T_cvar_handle_alloc(index, nullptr, &handle, &count) != MPI_SUCCESS) return "";
  std::string text;
  if (type == MPI_CHAR && count > 0) {
    // Whether count includes the text's end is left open by the standard.
    std::vector<char> value(static_cast<size_t>(count) + 1, '\0');
    if (MPI_T_cvar_read(handle, value.data()) == MPI_SUCCESS) text = value.data();
  } else if (type == MPI_INT || type == MPI_UNSIGNED) {
    int value = 0;
    if (MPI_T_cvar_read(handle, &value) == MPI_SUCCESS) text = std::to_string(value);
  } else if (type == MPI_UNSIGNED_LONG || type == MPI_UNSIGNED_LONG_LONG) {
    unsigned long long value = 0;
    if (MPI_T_cvar_read(handle, &value) == MPI_SUCCESS) text = std::to_string(value);
  }
  MPI_T_cvar_handle_free(&handle);
  return text;
}

const char* NameOfThreadLevel(int level) {
  if (level == MPI_THREAD_SINGLE) return "SINGLE";
  if (level == MPI_THREAD_FUNNELED) return "FUNNELED";
  if (level == MPI_THREAD_SERIALIZED) return "SERIALIZED";
  return "MULTIPLE";
}

}  // namespace

MpiDescription DescribeMpi() {
  MpiDescription description;
  char library[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  if (MPI_Get_library_version(library, &length) == MPI_SUCCESS) {
    description.library.assign(library, static_cast<size_t>(length));
    // "Open MPI v4.1.4, package: ..., ident: ..., repo rev: ..., date"
    description.library.resize(std::min(description.library.find(','), description.library.size()));
  }
  int initialized = 0;
  int level = 0;
  if (MPI_Initialized(&initialized) == MPI_SUCCESS && initialized &&
      MPI_Query_thread(&level) == MPI_SUCCESS)
    description.thread_level = NameOfThreadLevel(level);
  if (MPI_T_init_thread(MPI_THREAD_SINGLE, &level) != MPI_SUCCESS) return description;
  description.pml = ControlVariable("pml");
  description.btl = ControlVariable("btl");
  description.tcp_if_include = ControlVariable("btl_tcp_if_include");
  description.shm_folder = ControlVariable("btl_vader_backing_directory");
  description.shm_segment_bytes = std::atoll(ControlVariable("btl_vader_segment_size").c_str());
  MPI_T_finalize();
  return description;
}

}  // namespace zhiyin::net
