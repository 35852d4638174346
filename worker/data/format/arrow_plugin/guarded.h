// Functions of the plugin throw nothing: what is wrong comes as a text.
#pragma once

#include <arrow/status.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <string>

namespace zhiyin::worker::data::format::arrow_plugin {

/// Runs `work`, which returns a Status; writes what is wrong to error[0, n_error). Returns whether
/// something is.
template <typename Work>
int Guarded(char* error, size_t n_error, const Work& work) {
  std::string text;
  try {
    const arrow::Status status = work();
    if (status.ok()) return 0;
    text = status.message();
  } catch (const std::exception& e) {
    text = e.what();
  }
  if (n_error > 0) {
    const size_t n = std::min(text.size(), n_error - 1);
    std::memcpy(error, text.data(), n);
    error[n] = '\0';
  }
  return 1;
}

}  // namespace zhiyin::worker::data::format::arrow_plugin
