// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import {LiquidationDetail, LockedValues, Price, PublicKey, Quote, SettlementState, Symbol} from "./Types.sol";

// One storage layout, shared by every facet of the diamond.

/// Which facet answers which selector.
struct RouterState {
    address[] facets;
    mapping(address => bytes4[]) selectorsOf;
    mapping(bytes4 => address) facetOf;
}

struct AccessState {
    address owner;
    mapping(address => mapping(bytes32 => bool)) roles;
    address[] partyBs;
    mapping(address => bool) isPartyB;
    mapping(address => bool) isAffiliate;
    mapping(address => bool) isSuspended;
    mapping(address => bool) isEmergencyPartyB;
}

struct PauseState {
    bool global;
    bool liquidation;
    bool accounting;
    bool partyBActions;
    bool partyAActions;
    bool internalTransfer;
    bool emergencyMode;
}

/// Amounts with 18 decimals, times in seconds.
struct SettingState {
    address collateral;
    address defaultFeeCollector;
    mapping(address => address) feeCollectorOf;
    uint256 balanceLimitPerUser;
    uint256 pendingQuotesValidLength;
    uint256 deallocateCooldown;
    uint256 deallocateDebounceTime;
    uint256 forceCancelCooldown;
    uint256 forceCancelCloseCooldown;
    uint256 forceCloseFirstCooldown;
    uint256 forceCloseSecondCooldown;
    uint256 forceCloseMinSigPeriod;
    uint256 forceClosePricePenalty;
    mapping(uint256 => uint256) forceCloseGapRatio;
    uint256 settlementCooldown;
    uint256 liquidationTimeout;
    uint256 liquidatorShare;
}

struct MuonState {
    uint256 appId;
    PublicKey publicKey;
    address gateway;
    uint256 upnlValidTime;
    uint256 priceValidTime;
}

/// Free, allocated and locked money. PartyB's allocation and locks are isolated per PartyA: [partyB][partyA].
struct AccountState {
    mapping(address => uint256) free;
    mapping(address => uint256) withdrawCooldownOf;
    mapping(address => uint256) reserveVault;
    mapping(address => uint256) allocatedA;
    mapping(address => LockedValues) lockedA;
    mapping(address => LockedValues) pendingA;
    mapping(address => mapping(address => uint256)) allocatedB;
    mapping(address => mapping(address => LockedValues)) lockedB;
    mapping(address => mapping(address => LockedValues)) pendingB;
    mapping(address => uint256) nonceA;
    mapping(address => mapping(address => uint256)) nonceB;
    mapping(address => mapping(address => mapping(address => uint256))) lastSettlement;
}

struct QuoteState {
    uint256 lastId;
    uint256 lastCloseId;
    mapping(uint256 => Quote) byId;
    mapping(uint256 => uint256) closeIdOf;
    mapping(address => uint256[]) idsOf;
    mapping(address => uint256[]) pendingOfA;
    mapping(address => mapping(address => uint256[])) pendingOfB;
    mapping(address => uint256[]) openOfA;
    mapping(address => mapping(address => uint256[])) openOfB;
}

struct SymbolState {
    uint256 lastId;
    mapping(uint256 => Symbol) byId;
}

struct LiquidationState {
    mapping(address => bool) partyA;
    mapping(address => mapping(address => bool)) partyB;
    mapping(address => mapping(address => uint256)) partyBTimestamp;
    mapping(address => LiquidationDetail) detailOf;
    mapping(address => mapping(address => SettlementState)) settlements;
    // Of PartyB's liquidation: what each liquidated position pays its liquidator, [partyB][partyA].
    mapping(address => mapping(address => uint256)) rewardPerPosition;
    // Of PartyA's liquidation: who began it and who set the prices, the prices, and what PartyA gets back at the end.
    mapping(address => address[]) liquidators;
    mapping(address => mapping(uint256 => Price)) prices;
    mapping(address => uint256) reimbursement;
}

struct AppStorage {
    RouterState router;
    AccessState access;
    PauseState pause;
    SettingState settings;
    MuonState muon;
    AccountState accounts;
    QuoteState quotes;
    SymbolState symbols;
    LiquidationState liquidation;
}

function app() pure returns (AppStorage storage state) {
    bytes32 slot = keccak256("hedger.devnet.diamond");
    assembly {
        state.slot := slot
    }
}
