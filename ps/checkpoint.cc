#include "ps/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/bytes.h"
#include "common/error.h"
#include "common/partitioner.h"

namespace zhiyin::ps {
namespace {

constexpr std::string_view kMagic = "ZYROWS4\n";
constexpr int64_t kRowsPerTick = 4096;
/// Less than a millisecond, where a shard has not many more.
constexpr int64_t kRowsPerAdvance = 2048;
constexpr int kShardsPerAdvance = kNumShards / 4;
/// To whom nothing belongs.
constexpr int kNoServer = -1;

const std::string& OrNone(const std::string& text) {
  static const std::string kNone = "that counts none";
  return text.empty() ? kNone : text;
}

std::string GetText(BlockReader* file, const char* what) {
  const uint32_t n_bytes = file->Get<uint32_t>();
  if (n_bytes > 4096) Fail(file->path(), ": ", what, " of ", n_bytes, " bytes at byte ", file->at());
  std::string text(n_bytes, '\0');
  file->Read(std::as_writable_bytes(std::span(text)));
  return text;
}

void PutText(const std::string& text, BlockWriter* file) {
  file->Put(static_cast<uint32_t>(text.size()));
  file->Write(std::as_bytes(std::span(text)));
}

/// The head of a file, checked against the tables; returns rows by table.
std::vector<uint64_t> ReadHead(BlockReader* file, const std::vector<Table>& tables) {
  std::array<char, kMagic.size()> magic;
  file->Read(std::as_writable_bytes(std::span(magic)));
  const std::string_view start(magic.data(), magic.size());
  if (start != kMagic) {
    if (start.starts_with(kMagic.substr(0, 6)))
      Fail(file->path(), ": rows in format ", start[6], ", expected ", kMagic[6], ": another version wrote it");
    Fail(file->path(), ": not a file of rows");
  }
  const uint32_t n_tables = file->Get<uint32_t>();
  if (n_tables != tables.size())
    Fail(file->path(), ": holds ", n_tables, " tables, expected ", tables.size());
  std::vector<uint64_t> n_rows;
  for (const Table& table : tables) {
    const std::string name = GetText(file, "a table's name");
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
    const std::string sightings = GetText(file, "how sightings are counted");
    if (sightings != table.admission().Text()) {
      Fail(file->path(), ": sightings of table ", name, " were saved with admission ", OrNone(sightings),
           ", expected ", OrNone(table.admission().Text()));
    }
    n_rows.push_back(file->Get<uint64_t>());
  }
  return n_rows;
}

/// As they are in the file.
std::string SightingsOf(const Admission& admission) {
  ByteWriter out;
  std::vector<int> shards;
  for (int shard = 0; shard < kNumShards; ++shard) {
    if (!admission.SaveShard(shard).empty()) shards.push_back(shard);
  }
  out.Put(static_cast<uint32_t>(shards.size()));
  for (const int shard : shards) {
    const std::string bytes = admission.SaveShard(shard);
    out.Put(static_cast<uint32_t>(shard));
    out.Put(static_cast<uint64_t>(bytes.size()));
    out.PutBytes(bytes);
  }
  uint32_t n_open = 0;
  admission.VisitOpen([&](uint64_t, std::span<const Key> keys) { n_open += keys.empty() ? 0 : 1; });
  out.Put(n_open);
  admission.VisitOpen([&](uint64_t step, std::span<const Key> keys) {
    if (keys.empty()) return;
    out.Put(step);
    out.Put(static_cast<uint64_t>(keys.size()));
    out.PutBytes({reinterpret_cast<const char*>(keys.data()), keys.size_bytes()});
  });
  return out.Take();
}

/// Those of the shards that this server holds.
void LoadSightings(BlockReader* file, const RoleMap& roles, int server, TableId table, Admission* admission) {
  std::string bytes;
  const uint32_t n_shards = file->Get<uint32_t>();
  if (n_shards > (admission->Text().empty() ? 0 : kNumShards))
    Fail(file->path(), ": sightings of ", n_shards, " shards at byte ", file->at());
  for (uint32_t n = n_shards; n > 0; --n) {
    const uint32_t shard = file->Get<uint32_t>();
    const uint64_t n_bytes = file->Get<uint64_t>();
    if (shard >= kNumShards || n_bytes > static_cast<uint64_t>(file->n_left()))
      Fail(file->path(), ": sightings of shard ", shard, " in ", n_bytes, " bytes at byte ", file->at());
    bytes.resize(n_bytes);
    file->Read(std::as_writable_bytes(std::span(bytes)));
    if (ServerOfShard(static_cast<int>(shard), roles.n_servers) != server) continue;
    try {
      admission->LoadShard(static_cast<int>(shard), bytes);
    } catch (const Error& e) {
      Fail(file->path(), ": ", e.what(), ", before byte ", file->at());
    }
  }
  const uint32_t n_open = file->Get<uint32_t>();
  if (n_open > (admission->Text().empty() ? 0 : Admission::kMaxOpenSteps))
    Fail(file->path(), ": sightings of ", n_open, " open steps at byte ", file->at());
  for (uint32_t n = n_open; n > 0; --n) {
    const uint64_t step = file->Get<uint64_t>();
    for (uint64_t left = file->Get<uint64_t>(); left > 0; --left) {
      const Key key = file->Get<Key>();
      if (ServerOf(table, key, roles.n_servers) == server) admission->RestoreOpen(step, key);
    }
  }
}

/// Gives all rows to `visit`, and to the tables what else belongs to the server.
void ReadFiles(const std::string& folder, const Manifest& manifest, const RoleMap& roles, int server, Beside beside,
               std::vector<Table>* tables, const VisitRow& visit) {
  std::vector<std::byte> row;
  const int n_files = manifest.file_size();
  for (int f = 0; f < n_files; ++f) {
    const Manifest::RowFile& entry = manifest.file(f);
    if (entry.name().find('/') != std::string::npos)
      Fail(folder, ": the manifest names ", entry.name(), ", which is not in the folder");
    BlockReader file(folder + "/" + entry.name(), beside);
    if (file.n_file_bytes() != entry.n_bytes())
      Fail(file.path(), ": ", file.n_file_bytes(), " bytes, expected ", entry.n_bytes(), " as the manifest says");
    const std::vector<uint64_t> n_rows = ReadHead(&file, *tables);
    for (size_t t = 0; t < tables->size(); ++t) {
      Table& table = (*tables)[t];
      row.resize(table.layout().bytes());
      std::pair<int, Key> last(-1, 0);
      for (uint64_t i = 0; i < n_rows[t]; ++i) {
        const Key key = file.Get<Key>();
        file.Read(row);
        // Of this server's shards and in order, so that none comes twice.
        const std::pair<int, Key> place(ShardOf(static_cast<TableId>(t), key), key);
        if (place <= last || ServerOfShard(place.first, n_files) != f)
          Fail(file.path(), ": row ", key, " of table ", table.name(), " is out of its place, before byte ", file.at());
        last = place;
        visit(static_cast<TableId>(t), key, row);
      }
      table.RestoreNextSweepStep(file.Get<uint64_t>());
      LoadSightings(&file, roles, server, static_cast<TableId>(t), &table.admission());
    }
    if (file.n_left() != 0) Fail(file.path(), ": ", file.n_left(), " bytes too many at byte ", file.at());
    if (file.digest() != entry.digest()) Fail(file.path(), ": its content is not what the manifest says");
  }
}

}  // namespace

RowSaver::RowSaver(const std::string& path, std::vector<Table>* tables, Beside beside) : tables_(tables), file_(path, beside) {
  file_.Write(std::as_bytes(std::span(kMagic)));
  file_.Put(static_cast<uint32_t>(tables->size()));
  for (Table& table : *tables) {
    PutText(table.name(), &file_);
    file_.Put(static_cast<uint32_t>(table.dim()));
    file_.Put(static_cast<uint32_t>(table.layout().number));
    file_.Put(static_cast<uint32_t>(table.layout().bytes()));
    PutText(table.admission().Text(), &file_);
    file_.Put(static_cast<uint64_t>(table.n_rows()));
    sightings_.push_back(SightingsOf(table.admission()));
    cuts_.push_back(std::make_unique<TableCut>(table));
  }
  for (size_t t = 0; t < tables->size(); ++t) (*tables)[t].SetCut(cuts_[t].get());
}

RowSaver::~RowSaver() {
  for (Table& table : *tables_) table.SetCut(nullptr);
}

bool RowSaver::Advance(bool may_wait) {
  if (is_committing_) {
    is_done_ = file_.IsCommitted(may_wait);
    return is_done_;
  }
  // There is room for a block: a shard that takes more may have to wait in the middle.
  if (!may_wait && !file_.HasRoom()) return false;
  TableCut& cut = *cuts_[table_];
  if (cut.n_visited() < kNumShards) {
    const int64_t enough = n_rows_ + kRowsPerAdvance;
    const int last = std::min(kNumShards, cut.n_visited() + kShardsPerAdvance);
    while (cut.n_visited() < last && n_rows_ < enough) {
      cut.VisitNextShard([&](Key key, std::span<const std::byte> row) {
        file_.Put(key);
        file_.Write(row);
        ++n_rows_;
      });
    }
    return true;
  }
  file_.Put(cut.next_sweep_step());
  file_.Write(std::as_bytes(std::span(sightings_[table_])));
  sightings_[table_] = {};
  (*tables_)[table_].SetCut(nullptr);
  if (++table_ < tables_->size()) return true;
  file_.StartCommit();
  is_committing_ = true;
  return true;
}

int64_t RowSaver::n_bytes_kept() const {
  int64_t n = 0;
  for (const auto& cut : cuts_) n += cut->n_bytes();
  return n;
}

SavedRows SaveRows(const std::string& path, std::vector<Table>* tables, const std::function<void()>& tick, Beside beside) {
  RowSaver saver(path, tables, beside);
  while (!saver.IsDone()) {
    saver.Advance(/*may_wait=*/true);
    tick();
  }
  return saver.saved();
}

void LoadRows(const std::string& folder, const Manifest& manifest, const RoleMap& roles, int server,
              std::vector<Table>* tables, const std::function<void()>& tick, Beside beside) {
  int64_t n_read = 0;
  ReadFiles(folder, manifest, roles, server, beside, tables, [&](TableId table, Key key, std::span<const std::byte> row) {
    if (ServerOf(table, key, roles.n_servers) == server) (*tables)[table].Restore(key, row);
    if (++n_read % kRowsPerTick == 0) tick();
  });
}

void VisitRows(const std::string& folder, const Manifest& manifest, std::vector<Table>* tables, const VisitRow& visit) {
  ReadFiles(folder, manifest, {1, 1}, kNoServer, Beside::kThread, tables, visit);
}

}  // namespace zhiyin::ps
