#include "tests/support/whole_file.h"

#include "worker/data/file_bytes.h"

namespace zhiyin::testing {

std::string WholeFile(const std::string& path) {
  worker::data::FileBytes file(path);
  std::string all;
  std::string piece(100'000, '\0');
  for (size_t n = piece.size(); n == piece.size();) {
    n = file.Read(piece.data(), piece.size());
    all.append(piece, 0, n);
  }
  return all;
}

}  // namespace zhiyin::testing
