"""Rows as Hostaway's JSON has them: the nulls of every kind of object, and how times are written.

Source: reference of Hostaway's public API, field tables of listings, reservations and messages.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

Row = dict[str, Any]

_LISTING = """
id name externalListingName internalListingName description houseRules
specialInstruction keyPickup doorSecurityCode wifiUsername wifiPassword checkInTimeStart
checkInTimeEnd checkOutTime timeZoneName address publicAddress street city state zipcode
country countryCode lat lng personCapacity guestsIncluded bedroomsNumber bedsNumber
bathroomsNumber guestBathroomsNumber maxChildrenAllowed maxInfantsAllowed maxPetsAllowed
instantBookable cancellationPolicy contactName contactSurName contactPhone1 contactPhone2
contactEmail contactLanguage contactAddress language currencyCode cleannessStatus
cleaningInstruction cleannessStatusUpdatedOn airbnbAccess airbnbSpace airbnbTransit
airbnbNotes airbnbNeighborhoodOverview airbnbInteraction airbnbSummary airbnbName
propertyLicenseNumber specialStatus latestActivityOn
"""
_RESERVATION = """
id hostawayReservationId listingMapId listingName channelId channelName source
reservationId channelReservationId confirmationCode status guestName guestFirstName
guestLastName phone guestEmail guestCountry guestCity guestZipCode guestAddress guestPicture
guestLocale localeForMessaging localeForMessagingSource numberOfGuests adults children
infants pets arrivalDate departureDate nights checkInTime checkOutTime previousArrivalDate
previousDepartureDate totalPrice currency cleaningFee securityDepositFee taxAmount isPaid
paymentStatus remainingBalance doorCode doorCodeVendor doorCodeInstruction hostNote
guestNote comment guestPortalUrl guestAuthHash reservationDate cancellationDate cancelledBy
pendingExpireDate assigneeUserId insertedOn updatedOn latestActivityOn hostProxyEmail
bookingcomSpecialRequests bookingcomBookerName bookingcomNoShowFeeWaived
bookingcomNoShowReportedAt isRentalAgreementActive rentalAgreementFileUrl ccName ccNumber
ccNumberEndingDigits ccExpirationYear ccExpirationMonth cvc stripeGuestId
"""
_RESERVATION_FLAGS = "isDatesUnspecified isInstantBooked isInitial isArchived isStarred isPinned"
_MESSAGE = """
id accountId userId listingMapId reservationId conversationId communicationId
airbnbThreadMessageId channelId channelThreadMessageId body imagesUrls
bookingcomSubthreadId inReplyTo bookingcomReplyOptions bookingcomSelectedOptions isIncoming
isSeen sentUsingHostaway hash listingTimeZoneName communicationEvent communicationTimeDelta
communicationTimeDeltaSeconds communicationApplyListingTimeZone communicationAlwaysTrigger
date status sentChannelDate listingName attachments insertedOn updatedOn
communicationType
"""

LISTING_NULLS: Mapping[str, Any] = MappingProxyType(dict.fromkeys(_LISTING.split()))
"""Every field of a listing, null; rows keep only what differs, so that thousands stay small."""
RESERVATION_NULLS: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(_RESERVATION.split())
    | dict.fromkeys(_RESERVATION_FLAGS.split(), 0)
    | {"isProcessed": 1, "reservationAgreement": "not_required"}
)
"""Every field of a reservation with the value it has when nothing is known."""
MESSAGE_NULLS: Mapping[str, Any] = MappingProxyType(dict.fromkeys(_MESSAGE.split()))
"""Every field of a conversation message, null."""


def utc_text(moment: datetime) -> str:
    """The moment as Hostaway writes it: `2026-04-13 18:05:34`, UTC, without zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def full_listing(row: Row) -> Row:
    """The listing with every field, as the single-object endpoint gives it."""
    arrays: Row = {
        "listingAmenities": [],
        "listingBedTypes": [],
        "listingImages": [],
        "customFieldValues": [],
    }
    return {**LISTING_NULLS, **arrays, **row}


def full_reservation(row: Row) -> Row:
    """The reservation with every field, as the single-object endpoint and the webhooks give it."""
    arrays: Row = {"customFieldValues": [], "reservationFees": [], "reservationUnit": []}
    return {**RESERVATION_NULLS, **arrays, **row}


def full_message(row: Row) -> Row:
    """The message with every field, as the API and the webhooks give it."""
    return {**MESSAGE_NULLS, "attachments": [], **row}
