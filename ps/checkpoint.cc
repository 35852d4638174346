#include "ps/checkpoint.h"

#include <array>
#include <cstring>

#include "common/error.h"
#include "common/file.h"
#include "common/partitioner.h"

namespace zhiyin::ps {
namespace {

constexpr std::string_view kMagic = "ZYROWS2\n";
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
    const uint32_t number = file->Get<uint32_t>();
    const uint32_t row_bytes = file->Get<uint32_t>();
    const RowLayout& layout = table.layout();
    if (name != table.name() || dim != static_cast<uint32_t>(layout.dim) ||
        number != static_cast<uint32_t>(layout.number) || row_bytes != layout.bytes()) {
      Fail(file->path(), ": table ", name, " of dim ", dim, ", number type ", number, " and ", row_bytes,
           " bytes a row, expected ", table.name(), " of dim ", layout.dim, ", number type ",
           static_cast<int>(layout.number), " and ", layout.bytes(), " bytes a row");
    }
    n_rows.push_back(file->Get<uint64_t>());
  }
  return n_rows;
}

void SaveSightings(const Admission& admission, FileWriter* file, const std::function<void()>& tick) {
  std::vector<int> shards;
  for (int shard = 0; shard < kNumShards; ++shard) {
    if (!admission.SaveShard(shard).empty()) shards.push_back(shard);
  }
  file->Put(static_cast<uint32_t>(shards.size()));
  for (const int shard : shards) {
    const std::string bytes = admission.SaveShard(shard);
    file->Put(static_cast<uint32_t>(shard));
    file->Put(static_cast<uint64_t>(bytes.size()));
    file->Write(std::as_bytes(std::span(bytes)));
    tick();
  }
}

/// Those of the shards that this server holds.
void LoadSightings(FileReader* file, const RoleMap& roles, int server, Admission* admission) {
  std::string bytes;
  for (uint32_t n = file->Get<uint32_t>(); n > 0; --n) {
    const uint32_t shard = file->Get<uint32_t>();
    const uint64_t n_bytes = file->Get<uint64_t>();
    if (shard >= kNumShards || n_bytes > static_cast<uint64_t>(file->n_left()))
      Fail(file->path(), ": sightings of shard ", shard, " in ", n_bytes, " bytes at byte ", file->at());
    bytes.resize(n_bytes);
    file->Read(std::as_writable_bytes(std::span(bytes)));
    if (ServerOfShard(static_cast<int>(shard), roles.n_servers) == server)
      admission->LoadShard(static_cast<int>(shard), bytes);
  }
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
    file.Put(static_cast<uint32_t>(table.layout().number));
    file.Put(static_cast<uint32_t>(table.layout().bytes()));
    file.Put(static_cast<uint64_t>(table.n_rows()));
  }
  SavedRows saved;
  for (const Table& table : tables) {
    for (int shard = 0; shard < kNumShards; ++shard) {
      table.VisitShard(shard, [&](Key key, std::span<const std::byte> row) {
        file.Put(key);
        file.Write(row);
        if (++saved.n_rows % kRowsPerTick == 0) tick();
      });
    }
    SaveSightings(table.admission(), &file, tick);
  }
  file.Commit();
  saved.n_bytes = file.n_bytes();
  saved.digest = file.digest();
  return saved;
}

void LoadRows(const std::string& folder, const Manifest& manifest, const RoleMap& roles, int server,
              std::vector<Table>* tables, const std::function<void()>& tick) {
  std::vector<std::byte> row;
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
      row.resize(table.layout().bytes());
      for (uint64_t i = 0; i < n_rows[t]; ++i) {
        const Key key = file.Get<Key>();
        file.Read(row);
        if (ServerOf(static_cast<TableId>(t), key, roles.n_servers) == server) table.Restore(key, row);
        if (++n_read % kRowsPerTick == 0) tick();
      }
      LoadSightings(&file, roles, server, &table.admission());
    }
    if (file.n_left() != 0) Fail(file.path(), ": ", file.n_left(), " bytes too many at byte ", file.at());
    if (file.digest() != entry.digest()) Fail(file.path(), ": damaged: its digest is not the manifest's");
  }
}

}  // namespace zhiyin::ps
