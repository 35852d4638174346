#include "ps/checkpoint.h"

#include <array>
#include <cstring>

#include "common/error.h"
#include "common/file.h"
#include "common/partitioner.h"

namespace zhiyin::ps {
namespace {

constexpr std::string_view kMagic = "ZYROWS1\n";
constexpr int64_t kRowsPerTick = 4096;

/// The head of a file, checked against the tables; returns rows by table.
std::vector<uint64_t> ReadHead(FileReader* file, const std::vector<Table>& tables) {
  std::array<char, kMagic.size()> magic;
  file->Read(std::as_writable_bytes(std::span(magic)));
  if (std::string_view(magic.data(), magic.size()) != kMagic) Fail(file->path(), ": not a file of rows");
  const uint32_t n_tables = file->Get<uint32_t>();
  if (n_tables != tables.size())
    Fail(file->path(), ": holds ", n_tables, " tables, expected ", tables.size());
  std::vector<uint64_t> n_rows;
  for (const Table& table : tables) {
    const uint32_t name_bytes = file->Get<uint32_t>();
    if (name_bytes > 4096)
      Fail(file->path(), ": a table's name of ", name_bytes, " bytes at byte ", file->at());
    std::string name(name_bytes, '\0');
    file->Read(std::as_writable_bytes(std::span(name)));
    const uint32_t dim = file->Get<uint32_t>();
    const uint32_t row_floats = file->Get<uint32_t>();
    if (name != table.name() || dim != static_cast<uint32_t>(table.dim()) ||
        row_floats != static_cast<uint32_t>(table.row_floats())) {
      Fail(file->path(), ": table ", name, " of dim ", dim, " and ", row_floats, " floats a row, expected ",
           table.name(), " of dim ", table.dim(), " and ", table.row_floats(), " floats a row");
    }
    n_rows.push_back(file->Get<uint64_t>());
  }
  return n_rows;
}

}  // namespace

SavedRows SaveRows(const std::string& path, const std::vector<Table>& tables,
                   const std::function<void()>& tick) {
  FileWriter file(path);
  file.Write(std::as_bytes(std::span(kMagic)));
  file.Put(static_cast<uint32_t>(tables.size()));
  for (const Table& table : tables) {
    file.Put(static_cast<uint32_t>(table.name().size()));
    file.Write(std::as_bytes(std::span(table.name())));
    file.Put(static_cast<uint32_t>(table.dim()));
    file.Put(static_cast<uint32_t>(table.row_floats()));
    file.Put(static_cast<uint64_t>(table.n_rows()));
  }
  SavedRows saved;
  for (const Table& table : tables) {
    for (int shard = 0; shard < kNumShards; ++shard) {
      table.VisitShard(shard, [&](Key key, std::span<const float> row) {
        file.Put(key);
        file.Write(std::as_bytes(row));
        if (++saved.n_rows % kRowsPerTick == 0) tick();
      });
    }
  }
  file.Commit();
  saved.n_bytes = file.n_bytes();
  saved.digest = file.digest();
  return saved;
}

void LoadRows(const std::string& folder, const Manifest& manifest, const RoleMap& roles, int server,
              std::vector<Table>* tables, const std::function<void()>& tick) {
  std::vector<float> row;
  for (const Manifest::RowFile& entry : manifest.file()) {
    if (entry.name().find('/') != std::string::npos)
      Fail(folder, ": the manifest names ", entry.name(), ", which is not in the folder");
    FileReader file(folder + "/" + entry.name());
    if (file.n_left() != entry.n_bytes()) {
      Fail(file.path(), ": ", file.n_left(), " bytes, expected ", entry.n_bytes(), " as the manifest says");
    }
    const std::vector<uint64_t> n_rows = ReadHead(&file, *tables);
    int64_t n_read = 0;
    for (size_t t = 0; t < tables->size(); ++t) {
      Table& table = (*tables)[t];
      row.resize(static_cast<size_t>(table.row_floats()));
      for (uint64_t i = 0; i < n_rows[t]; ++i) {
        const Key key = file.Get<Key>();
        file.Read(std::as_writable_bytes(std::span(row)));
        if (ServerOf(static_cast<TableId>(t), key, roles.n_servers) == server) table.Restore(key, row);
        if (++n_read % kRowsPerTick == 0) tick();
      }
    }
    if (file.n_left() != 0) Fail(file.path(), ": ", file.n_left(), " bytes too many at byte ", file.at());
    if (file.digest() != entry.digest()) Fail(file.path(), ": damaged: its digest is not the manifest's");
  }
}

}  // namespace zhiyin::ps
