// Loading of saved rows. A saved model is a folder: one file of rows for each server that saved
// (ps/save/row_file.h), and a manifest (configs/manifest.proto) that is written last. Files may
// hold only what has changed since the save before, which is in another folder.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "common/block_file.h"
#include "common/net/role_map.h"
#include "common/tick.h"
#include "common/types.h"
#include "ps/save/row_carry.h"
#include "ps/save/saved_chain.h"
#include "ps/table/table.h"

namespace zhiyin::ps::save {

/// Loads the rows that belong to this server's tables, however many servers had saved. `tick` is
/// called for every block of the files. REQUIRES: the tables are empty. Throws Error, naming file
/// and offset, when a file is missing or damaged, or holds tables that differ from its manifest.
void LoadRows(const SavedChain& saved, const RowCarry& carry, const net::RoleMap& roles, int server,
              std::vector<table::Table>* tables, const Tick& tick, Beside beside = Beside::kNobody);

/// Visits all rows as they were saved, in an unspecified order, with a few blocks of them in memory
/// at a time. Throws as LoadRows does.
using VisitRow = std::function<void(TableId table, Key key, std::span<const std::byte> row)>;
void VisitRows(const SavedChain& saved, const VisitRow& visit);

}  // namespace zhiyin::ps::save
