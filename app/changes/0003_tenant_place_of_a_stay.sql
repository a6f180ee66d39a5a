-- Who sleeps in a place before and after: a unit's own listing is the place, whichever listing was booked.
drop index {schema}.reservations_listing;
create index reservations_place on {schema}.reservations (coalesce(unit_external_id, listing_external_id), departure_on);
